import { concat } from "../concat.ts";
import { chunk, LAST_CHUNK } from "../http/chunk.ts";
import { HttpError } from "../http/http_error.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { outgoingRefusal } from "../outgoing_refusal.ts";
import type { Replacement } from "../scrub/scrub_plan.ts";
import { type ByteSink, writeAll } from "../write_all.ts";
import { MessageWise } from "./grpc.ts";
import type { OutgoingRequest } from "./prepare_request.ts";

const EMPTY = new Uint8Array(0);

/** Sends a request. A body that streams is searched on its way; a token in it ends the request unfinished (TM-05). */
export async function sendRequest(request: OutgoingRequest, upstream: ByteSink, policy: ProxyPolicy): Promise<void> {
  const { head, first, rest, framing } = request;
  if (framing.kind === "none") return writeAll(upstream, head);
  const chunked = framing.kind === "chunked";
  const end = chunked ? LAST_CHUNK : EMPTY;
  const frame = (bytes: Uint8Array) => chunked && bytes.length > 0 ? chunk(bytes) : bytes;
  if (rest === undefined) return writeAll(upstream, concat(head, frame(first), end));
  const detector = policy.outgoingPlan.detector();
  const whole = { push: (bytes: Uint8Array) => searched(detector.push(bytes)), flush: () => detector.flush() };
  const searcher = request.inMessages ? new MessageWise(whole) : whole;
  await writeAll(upstream, concat(head, frame(searcher.push(first))));
  for (;;) {
    const piece = await rest.next();
    if (piece === undefined) break;
    await writeAll(upstream, frame(searcher.push(piece)));
  }
  if (rest.trailers.length > 0) throw new HttpError("HTTP_TRAILER_UNSUPPORTED", 400);
  await writeAll(upstream, concat(frame(searcher.flush()), end));
}

function searched(step: { readonly out: Uint8Array } | { readonly found: Replacement }): Uint8Array {
  if ("found" in step) throw outgoingRefusal(step.found);
  return step.out;
}
