import type { ServiceRow } from "../service_row.ts";

/** Errors, metrics, alerts and flags. */
export const OBSERVABILITY_SERVICES: readonly ServiceRow[] = [
  {
    name: "better-stack",
    title: "Better Stack",
    hosts: ["uptime.betterstack.com"],
    in: ["header:authorization"],
    docs: "https://betterstack.com/docs/uptime/api/getting-started-with-uptime-api/",
  },
  {
    name: "datadog",
    title: "Datadog",
    hosts: [
      "api.datadoghq.com",
      "api.us3.datadoghq.com",
      "api.us5.datadoghq.com",
      "api.datadoghq.eu",
      "api.ap1.datadoghq.com",
    ],
    in: ["header:dd-api-key", "header:dd-application-key"],
    docs: "https://docs.datadoghq.com/api/latest/authentication/",
  },
  {
    name: "grafana-cloud",
    title: "Grafana Cloud",
    hosts: [],
    ownHost: "acme.grafana.net",
    in: ["header:authorization"],
    docs: "https://grafana.com/docs/grafana/latest/developers/http_api/authentication/",
  },
  {
    name: "honeycomb",
    title: "Honeycomb",
    hosts: ["api.honeycomb.io", "api.eu1.honeycomb.io"],
    in: ["header:x-honeycomb-team"],
    docs: "https://api-docs.honeycomb.io/",
  },
  {
    name: "launchdarkly",
    title: "LaunchDarkly",
    hosts: ["app.launchdarkly.com"],
    in: ["header:authorization"],
    docs: "https://launchdarkly.com/docs/api",
  },
  {
    name: "new-relic",
    title: "New Relic",
    hosts: ["api.newrelic.com", "api.eu.newrelic.com"],
    in: ["header:api-key"],
    docs: "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/",
  },
  {
    name: "opsgenie",
    title: "Opsgenie",
    hosts: ["api.opsgenie.com", "api.eu.opsgenie.com"],
    in: ["header:authorization"],
    docs: "https://docs.opsgenie.com/docs/authentication",
  },
  {
    name: "pagerduty",
    title: "PagerDuty",
    hosts: ["api.pagerduty.com", "api.eu.pagerduty.com"],
    in: ["header:authorization"],
    docs: "https://developer.pagerduty.com/docs/authentication",
  },
  {
    name: "posthog",
    title: "PostHog",
    hosts: ["us.posthog.com", "eu.posthog.com"],
    in: ["header:authorization"],
    docs: "https://posthog.com/docs/api",
  },
  {
    name: "sentry",
    title: "Sentry",
    hosts: ["sentry.io", "us.sentry.io", "de.sentry.io"],
    in: ["header:authorization"],
    docs: "https://docs.sentry.io/api/auth/",
  },
];
