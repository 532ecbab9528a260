import { decodeBase64, encodeUtf8 } from "./bytes.ts";
import type { FetchRequest, FetchResult, ResolveResult, RevokeRequest } from "../broker.ts";
import type { z } from "zod";
import type { FetchAnswer, fetchBody, ResolveAnswer, revokeBody } from "./schemas.ts";

/** RFC 3339. @param ms Since the epoch. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** What `POST /v1/resolve` answers. */
export function resolveAnswerOf(results: ReadonlyMap<string, ResolveResult>): ResolveAnswer {
  return { results: Object.fromEntries([...results].map(([ref, result]) => [ref, resultOf(result)])) };
}

function resultOf(result: ResolveResult): ResolveAnswer["results"][string] {
  const { policy } = result;
  if (!result.allowed) {
    const { code, detail, title } = result.denial;
    return { allowed: false, policy, error: { code, detail: detail ?? title } };
  }
  const expires_at = timestamp(result.expiresAt);
  if (result.mode === "direct") return { allowed: true, policy, mode: "direct", value: result.value, expires_at };
  const { token, tokenId, proxy } = result;
  const masked = { allowed: true, policy, mode: "masked", token, token_id: tokenId, expires_at } as const;
  return proxy === undefined ? masked : { ...masked, proxy };
}

/** What `POST /v1/fetch` answers. */
export function fetchAnswerOf({ status, headers, body, notes }: FetchResult): FetchAnswer {
  const read = body.kind === "text" ? { body: body.text } : { body_base64: body.base64, media_type: body.mediaType };
  return { status, headers, ...read, notes: [...notes] };
}

export function fetchRequestOf(body: z.infer<typeof fetchBody>, jwt: string | undefined): FetchRequest {
  const { resource, resolver, url, method, headers = {}, context = {} } = body;
  const bytes = body.body_base64 === undefined ? body.body && encodeUtf8(body.body) : decodeBase64(body.body_base64);
  return { jwt, resource, resolver, url, method: method?.toUpperCase(), headers, body: bytes || undefined, context };
}

export function revokeTargetOf(body: z.infer<typeof revokeBody>): RevokeRequest["target"] {
  const { id, expires_at, issuer = "", subject = "" } = body;
  if (id === undefined) return { kind: "subject", issuer, subject };
  return { kind: "id", id, expiresAt: expires_at === undefined ? undefined : Date.parse(expires_at) };
}
