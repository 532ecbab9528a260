import type { ServiceRow } from "../service_row.ts";

/** Search, vectors, maps, weather. */
export const DATA_SERVICES: readonly ServiceRow[] = [
  {
    name: "algolia",
    title: "Algolia",
    hosts: ["*.algolia.net", "*.algolianet.com"],
    in: ["header:x-algolia-api-key"],
    docs: "https://www.algolia.com/doc/rest-api/search/",
  },
  {
    name: "alpha-vantage",
    title: "Alpha Vantage",
    hosts: ["www.alphavantage.co"],
    in: ["query:apikey"],
    docs: "https://www.alphavantage.co/documentation/",
  },
  {
    name: "apify",
    title: "Apify",
    hosts: ["api.apify.com"],
    in: ["header:authorization"],
    docs: "https://docs.apify.com/api/v2",
  },
  {
    name: "google-maps",
    title: "Google Maps",
    hosts: [
      "maps.googleapis.com",
      "places.googleapis.com",
      "routes.googleapis.com",
      "addressvalidation.googleapis.com",
    ],
    in: ["header:x-goog-api-key", "query:key"],
    docs: "https://developers.google.com/maps/api-security-best-practices",
  },
  {
    name: "mapbox",
    title: "Mapbox",
    hosts: ["api.mapbox.com"],
    in: ["query:access_token"],
    shape: "sk.eyJ1Ijoia2V5emVybyJ9.{alnum:22}",
    docs: "https://docs.mapbox.com/api/overview/",
  },
  {
    name: "nasa",
    title: "NASA",
    hosts: ["api.nasa.gov"],
    in: ["query:api_key"],
    docs: "https://api.nasa.gov/",
  },
  {
    name: "newsapi",
    title: "NewsAPI",
    hosts: ["newsapi.org"],
    in: ["header:x-api-key"],
    docs: "https://newsapi.org/docs/authentication",
  },
  {
    name: "openweather",
    title: "OpenWeather",
    hosts: ["api.openweathermap.org"],
    in: ["query:appid"],
    docs: "https://openweathermap.org/appid",
  },
  {
    name: "pinecone",
    title: "Pinecone",
    hosts: ["*.pinecone.io"],
    in: ["header:api-key"],
    docs: "https://docs.pinecone.io/reference/api/authentication",
  },
  {
    name: "qdrant-cloud",
    title: "Qdrant Cloud",
    hosts: ["*.cloud.qdrant.io"],
    in: ["header:api-key"],
    docs: "https://qdrant.tech/documentation/cloud/authentication/",
    note: "any customer's cluster; name your own in `hosts`",
  },
  {
    name: "youtube",
    title: "YouTube",
    hosts: ["www.googleapis.com/youtube", "youtube.googleapis.com"],
    in: ["query:key"],
    docs: "https://developers.google.com/youtube/v3/getting-started",
  },
];
