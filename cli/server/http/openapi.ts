import { z } from "zod";
import { fetchAnswer, fetchBody, problemAnswer, resolveAnswer, resolveBody, revokeBody } from "./schemas.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** By the name that they have in the document. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  ResolveBody: resolveBody,
  ResolveAnswer: resolveAnswer,
  FetchBody: fetchBody,
  FetchAnswer: fetchAnswer,
  RevokeBody: revokeBody,
  Problem: problemAnswer,
};

const made = new Map<string, string>();

/** The OpenAPI 3.1 document of the HTTP API, as it is served and committed. @param version Of this program. */
export function openApiText(version: string): string {
  let text = made.get(version);
  if (text === undefined) made.set(version, text = `${JSON.stringify(openApi(version), null, 2)}\n`);
  return text;
}

function openApi(version: string): Json {
  return {
    openapi: "3.1.1",
    info: {
      title: "KeyZero team server",
      version,
      summary: "Hands out tokens in place of secrets, and makes requests with them",
      license: { name: "MIT OR Apache-2.0", identifier: "MIT OR Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "secrets", description: "What agents and workloads ask for, with their JWT" },
      { name: "operation", description: "What operators and clients need besides, without one" },
    ],
    paths: {
      "/v1/resolve": {
        post: operation("resolve", "Decide on refs and hand out tokens", {
          body: "ResolveBody",
          description:
            "Each ref is decided by itself. The answer is 200 even if every ref is denied, as long as the JWT is valid.",
          answer: json("What was decided, by ref", "ResolveAnswer"),
        }),
      },
      "/v1/fetch": {
        post: operation("fetch", "Make one request with the credential of a resource", {
          body: "FetchBody",
          description:
            "The server adds the credential and gives back the response, in which every value was replaced. " +
            "A redirect is followed within one origin, and decided anew. The status of the host is in the answer; that of " +
            "this call is 200.",
          answer: json("The host's response", "FetchAnswer"),
        }),
      },
      "/v1/revoke": {
        post: operation("revoke", "Make tokens worth nothing", {
          body: "RevokeBody",
          description:
            "All of one's own tokens up to now need no permission; an id, and those of others, need the bundle's revokers.",
          answer: { "204": { description: "Revoked, whether there was such a token or not" } },
        }),
      },
      "/v1/ca.pem": {
        get: open("getCa", "The certificate of the proxy's authority", {
          "200": {
            description: "PEM, for clients to trust",
            content: { "application/x-pem-file": { schema: { type: "string" } } },
          },
          "404": problem("The server has no proxy"),
        }),
      },
      "/healthz": { get: open("health", "Whether the server serves", { "200": text("It does", "text/plain") }) },
      "/metrics": { get: open("metrics", "Counters for Prometheus", { "200": text("Format 0.0.4", "text/plain") }) },
      "/openapi.json": {
        get: open("openApi", "This document", { "200": text("OpenAPI 3.1", "application/json", "object") }),
      },
    },
    components: {
      securitySchemes: { jwt: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema)])),
    },
  };
}

function operation(
  operationId: string,
  summary: string,
  { body, description, answer }: { body: string; description: string; answer: { readonly [status: string]: Json } },
): Json {
  return {
    operationId,
    summary,
    description,
    tags: ["secrets"],
    security: [{ jwt: [] }],
    requestBody: { required: true, content: { "application/json": { schema: ref(body) } } },
    responses: {
      ...answer,
      "400": problem("The request is not what this operation takes"),
      "401": problem("The JWT is missing or not valid", ["WWW-Authenticate"]),
      "403": problem("Denied"),
      "408": problem("The body did not come in time"),
      "413": problem("The body is too large"),
      "415": problem("The body is not application/json"),
      "429": problem("Too many requests", ["Retry-After"]),
      "500": problem("A fault of the server"),
      "502": problem("A backend or host failed"),
      "503": problem("Too much to do, or something that the server needs is away", ["Retry-After"]),
      "504": problem("A host did not answer in time"),
    },
  };
}

function open(operationId: string, summary: string, responses: { readonly [status: string]: Json }): Json {
  return { operationId, summary, tags: ["operation"], security: [], responses };
}

function text(description: string, type: string, kind = "string"): Json {
  return { description, content: { [type]: { schema: { type: kind } } } };
}

function json(description: string, schema: string): { readonly [status: string]: Json } {
  return { "200": { description, content: { "application/json": { schema: ref(schema) } } } };
}

function problem(description: string, headers: readonly string[] = []): Json {
  const content = { "application/problem+json": { schema: ref("Problem") } };
  if (headers.length === 0) return { description, content };
  return {
    description,
    content,
    headers: Object.fromEntries(headers.map((name) => [name, { schema: { type: "string" } }])),
  };
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** The JSON Schema of a zod schema, without what says nothing. */
export function jsonSchema(schema: z.ZodType): { readonly [name: string]: Json } {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    override({ jsonSchema }) {
      // The format says it; the expression that checks it is long.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
      const names = jsonSchema.propertyNames;
      if (typeof names === "object" && Object.keys(names).length === 1) delete jsonSchema.propertyNames;
    },
  });
  return JSON.parse(JSON.stringify(made));
}
