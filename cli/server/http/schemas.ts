import { z } from "zod";
import { DENIAL_CODES } from "../../../policy/server/denial.ts";
import { HTTP_PROBLEM_CODES } from "./problem.ts";

// What the HTTP API takes and gives. The checks, the OpenAPI document and the types are all made of these.

/** RFC 9110 §5.6.2. */
const HEADER_NAME_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §5.5, without obs-text: what a caller means beyond ASCII is not known. */
const HEADER_VALUE_REGEXP = /^[\t\x20-\x7e]*$/;
const METHOD_REGEXP = /^[A-Za-z]{1,20}$/;
const BASE64_REGEXP = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const ref = z.string().min(1).max(256).describe("Which resource, by the ref that the server's bundle gives it");
const context = z.record(z.string(), z.unknown()).describe(
  "Facts for the server's policies. They are the caller's word and are not trusted as an identity",
);

export const headersSchema = z.record(
  z.string().regex(HEADER_NAME_REGEXP).max(256),
  z.string().regex(HEADER_VALUE_REGEXP).max(16_384),
).refine((headers) => {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  return names.length <= 100 && new Set(names).size === names.length;
}, "has a header twice, or more than 100");
export const methodSchema = z.string().regex(METHOD_REGEXP);
export const urlSchema = z.string().min(1).max(8192);

export const resolveBody = z.strictObject({
  ref: ref.optional(),
  refs: z.array(ref).min(1).max(100).refine((refs) => new Set(refs).size === refs.length, "has a ref twice").optional()
    .describe("Several refs, each once, instead of `ref`"),
  context: context.optional(),
}).refine(({ ref, refs }) => (ref === undefined) !== (refs === undefined), 'takes either "ref" or "refs"')
  .meta({ oneOf: [{ required: ["ref"] }, { required: ["refs"] }] });

export const fetchBody = z.strictObject({
  resource: ref,
  resolver: z.string().max(256).optional().describe("If given, it must be the resource's resolver"),
  url: urlSchema.describe("https, of a host that the resource may be used with"),
  method: methodSchema.optional().describe("GET if it is left out"),
  headers: headersSchema.optional().describe("Without the credential, which the server adds"),
  body: z.string().optional().describe("Text, sent as UTF-8"),
  body_base64: z.string().regex(BASE64_REGEXP).optional().describe("Bytes, instead of `body`"),
  context: context.optional(),
}).refine(
  (value) => value.body === undefined || value.body_base64 === undefined,
  'takes "body" or "body_base64" and not both',
).meta({ not: { required: ["body", "body_base64"] } });

export const revokeBody = z.strictObject({
  id: z.string().min(1).max(256).optional().describe("The id of one token"),
  expires_at: z.iso.datetime().optional().describe("When that token expires, after which the server may forget it"),
  issuer: z.string().min(1).max(256).optional().describe("With `subject`: every token of this caller so far"),
  subject: z.string().min(1).max(2048).optional(),
}).refine(
  ({ id, expires_at, issuer, subject }) =>
    id === undefined
      ? issuer !== undefined && subject !== undefined && expires_at === undefined
      : issuer === undefined && subject === undefined,
  'takes either "id" or "issuer" and "subject"',
).meta({ oneOf: [{ required: ["id"] }, { required: ["issuer", "subject"] }] });

const expiresAt = z.iso.datetime().describe("RFC 3339, UTC");

export const resolveAnswer = z.strictObject({
  results: z.record(
    z.string(),
    z.union([
      z.strictObject({
        allowed: z.literal(true),
        policy: z.string().describe("The policy that decided"),
        mode: z.literal("masked"),
        token: z.string().describe(
          "Stands for the value in a request that goes through `proxy`; worth nothing elsewhere",
        ),
        token_id: z.string().describe("Names the token in the audit log, and to revoke it"),
        expires_at: expiresAt,
        proxy: z.string().optional().describe(
          "URL of the proxy with this caller's credentials; absent where the server has none",
        ),
      }),
      z.strictObject({
        allowed: z.literal(true),
        policy: z.string(),
        mode: z.literal("direct"),
        value: z.string().describe("The value itself"),
        expires_at: expiresAt,
      }),
      z.strictObject({
        allowed: z.literal(false),
        policy: z.string().describe("The policy that decided, or `default-deny`"),
        error: z.strictObject({ code: z.enum(DENIAL_CODES), detail: z.string() }),
      }),
    ]),
  ).describe("Keyed by the ref as it was asked for"),
});

export const fetchAnswer = z.strictObject({
  status: z.int().describe("Of the host's response"),
  headers: z.record(z.string(), z.string()),
  body: z.string().optional().describe("Text; every value in it was replaced"),
  body_base64: z.string().optional().describe("Instead of `body`, where the response is not text"),
  media_type: z.string().optional().describe("Of `body_base64`"),
  notes: z.array(z.string()).describe("For example that the body was cut, or that a redirect was not followed"),
});

export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.enum([...DENIAL_CODES, ...HTTP_PROBLEM_CODES]),
});

export type ResolveAnswer = z.infer<typeof resolveAnswer>;
export type FetchAnswer = z.infer<typeof fetchAnswer>;
