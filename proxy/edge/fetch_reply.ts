import type { ClientResponse } from "../client/send_once.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import type { ScrubPlan } from "../scrub/scrub_plan.ts";
import { ResponseMinter } from "../minted/response_minter.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import type { FetchReply } from "./protocol.ts";
import { VALUE_STAND_IN } from "./value_cache.ts";

/**
 * The response headers that a caller gets: what a body is, where it goes on, and how often one may ask. Everything else is
 * left out: cookies and challenges, which are credentials or ask for some, and what nobody has looked at.
 */
const CHOSEN: ReadonlySet<string> = new Set([
  "accept-ranges",
  "age",
  "allow",
  "cache-control",
  "content-disposition",
  "content-language",
  "content-location",
  "content-type",
  "date",
  "deprecation",
  "etag",
  "expires",
  "last-modified",
  "link",
  "location",
  "retry-after",
  "sunset",
  "vary",
  "x-request-id",
  "x-total-count",
]);

/** Families of them: limits of use, and pages of lists. */
const CHOSEN_REGEXP =
  /^(?:x-)?(?:ratelimit|rate-limit)(?:-|$)|^x-(?:page|per-page|next-page|prev-page|total|total-pages)$/;

/** Whether a response header goes to the caller. */
export function isChosenHeader(lower: string): boolean {
  return CHOSEN.has(lower) || CHOSEN_REGEXP.test(lower);
}

/**
 * Makes of a host's response what the caller gets, with every value and every new credential in it replaced (TM-01, TM-06).
 *
 * @param response Its body at most the cap, decoded and not searched yet.
 * @param values Finds every value that is held now: also those that came while the host was answering.
 */
export function fetchReply({ status, fields, body, truncated }: ClientResponse, values: ScrubPlan): FetchReply {
  // Who asks for a fetch holds no credential; one that the host gives out is none of theirs either (TM-06).
  const minter = ResponseMinter.hiding(fields, VALUE_STAND_IN);
  const headers = fields.filter(({ lower }) => isChosenHeader(lower)).map(({ lower, value }) => {
    const shown = lower === "location" ? minter.location(value) : value;
    return [lower, decodeLatin1(values.replaceAll(encodeLatin1(shown)))] as const;
  });
  const masked = minter.replaceAll(body);
  // Of a body that was cut, the end may be the beginning of a value: it is left out, not flushed.
  const whole = truncated ? values.replacer({ keepLength: false }).push(masked) : values.replaceAll(masked);
  const cap = EDGE_LIMITS.responseBodyBytes;
  return { status, headers, body: ownBytes(whole.subarray(0, cap)), truncated: truncated || whole.length > cap };
}

/** The same bytes in a buffer that holds nothing else, so that it can be handed over. Copied only if it is needed. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}
