import { concat } from "../concat.ts";
import { BodyReader } from "../http/body_reader.ts";
import type { ByteReader } from "../http/byte_reader.ts";
import { chunk, LAST_CHUNK } from "../http/chunk.ts";
import { HttpError } from "../http/http_error.ts";
import { LIMITS } from "../limits.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { Refusal } from "../refusal.ts";
import { type ByteSink, writeAll } from "../write_all.ts";
import type { RequestPlan } from "./request_plan.ts";

/** What is sent of a request besides its head. */
export interface OutgoingRequest {
  readonly plan: RequestPlan;
  /** With the real values in it. */
  readonly head: Uint8Array;
  /** A small body that was read and searched beforehand, as it goes out. */
  readonly whole: Uint8Array | undefined;
  /** The body that is still to be read; absent where `whole` stands. */
  readonly body: BodyReader | undefined;
}

/**
 * Reads a small body before anything is sent, so that a token in it refuses the request as a whole.
 *
 * A body in a content coding is read whole too, decoded under a cap and searched; it goes out as it came.
 *
 * @throws {Refusal} `PROXY_TOKEN_MISPLACED` or `PROXY_BODY_ENCODED`.
 */
export async function readSmallBody(plan: RequestPlan, client: ByteReader, policy: ProxyPolicy): Promise<{
  readonly whole: Uint8Array | undefined;
  readonly body: BodyReader | undefined;
}> {
  const { framing, codings, expectsContinue } = plan;
  if (framing.kind === "none") return { whole: undefined, body: undefined };
  const body = new BodyReader(client, framing);
  if (codings.length > 0) {
    const bytes = await gather(body, LIMITS.encodedBodyBytes);
    if (bytes === undefined) throw new Refusal("PROXY_BODY_ENCODED");
    assertNoToken(await decoded(bytes, codings), policy);
    return { whole: framing.kind === "chunked" && bytes.length > 0 ? chunk(bytes) : bytes, body: undefined };
  }
  if (framing.kind !== "length" || framing.bytes > LIMITS.wholeBodyBytes || expectsContinue) {
    return { whole: undefined, body };
  }
  const bytes = await gather(body, LIMITS.wholeBodyBytes);
  assertNoToken(bytes!, policy);
  return { whole: bytes, body: undefined };
}

/** Sends a request. A body that streams is searched on its way; a token in it ends the request unfinished (TM-05). */
export async function sendRequest(request: OutgoingRequest, upstream: ByteSink, policy: ProxyPolicy): Promise<void> {
  const { whole, body, head, plan } = request;
  if (body === undefined) {
    const end = plan.framing.kind === "chunked" ? LAST_CHUNK : new Uint8Array(0);
    await writeAll(upstream, concat(head, whole ?? new Uint8Array(0), end));
    return;
  }
  await writeAll(upstream, head);
  const chunked = plan.framing.kind === "chunked";
  const frame = (bytes: Uint8Array) => chunked && bytes.length > 0 ? chunk(bytes) : bytes;
  const detector = policy.tokenPlan.detector();
  for (;;) {
    const piece = await body.next();
    if (piece === undefined) break;
    const step = detector.push(piece);
    if ("found" in step) throw new Refusal("PROXY_TOKEN_MISPLACED");
    await writeAll(upstream, frame(step.out));
  }
  if (body.trailers.length > 0) throw new HttpError("HTTP_TRAILER_UNSUPPORTED", 400);
  await writeAll(upstream, concat(frame(detector.flush()), chunked ? LAST_CHUNK : new Uint8Array(0)));
}

function assertNoToken(bytes: Uint8Array, policy: ProxyPolicy): void {
  if (policy.tokenPlan.search(bytes) !== undefined) throw new Refusal("PROXY_TOKEN_MISPLACED");
}

/** Reads a body to its end; undefined if it is longer than `maxBytes`. */
async function gather(body: BodyReader, maxBytes: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const piece = await body.next();
    if (piece === undefined) break;
    size += piece.length;
    if (size > maxBytes) return undefined;
    parts.push(piece.slice());
  }
  if (body.trailers.length > 0) throw new HttpError("HTTP_TRAILER_UNSUPPORTED", 400);
  return concat(...parts);
}

/** Undoes one coding that the platform knows; more than one, or another, is refused. */
async function decoded(bytes: Uint8Array, codings: readonly string[]): Promise<Uint8Array> {
  const format = codings.length !== 1 ? undefined : FORMATS.get(codings[0]!);
  if (format === undefined) throw new Refusal("PROXY_BODY_ENCODED");
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream(format));
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stream) {
      size += part.length;
      if (size > LIMITS.decodedBodyBytes) throw new Refusal("PROXY_BODY_ENCODED");
      parts.push(part);
    }
  } catch {
    throw new Refusal("PROXY_BODY_ENCODED");
  }
  return concat(...parts);
}

const FORMATS: ReadonlyMap<string, CompressionFormat> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
]);
