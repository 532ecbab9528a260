import { concat } from "../concat.ts";
import { BodyReader } from "../http/body_reader.ts";
import type { Field } from "../http/fields.ts";
import type { Framing } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { Refusal } from "../refusal.ts";
import type { SwapContext } from "../swap/grant.ts";
import { refuseDisguisedBytes } from "../swap/disguise.ts";
import { swapBody } from "../swap/swap_body.ts";
import { swapFields } from "../swap/swap_fields.ts";
import { swapTarget } from "../swap/swap_target.ts";
import { writeAll } from "../write_all.ts";
import { decodeBody } from "./decode_body.ts";
import type { ClientConnection } from "./exchange.ts";
import { requestHeadBytes } from "./request_head_bytes.ts";
import type { Origin, RequestPlan } from "./request_plan.ts";

/** A request as it goes out, with the real values in it. */
export interface OutgoingRequest {
  readonly head: Uint8Array;
  readonly framing: Framing;
  /** The body, or what has been read of it. */
  readonly first: Uint8Array;
  /** What is still to be read, and searched on its way; absent where `first` is all. */
  readonly rest: BodyReader | undefined;
  /** Whether the client still waits for a 100. */
  readonly expectsContinue: boolean;
}

/**
 * Makes a request ready to go out: a small body is read and searched before anything is sent, so that a token in a wrong
 * place refuses the request as a whole.
 *
 * @param trusted Over TLS the peer will have been verified before the request goes out.
 * @throws {Refusal} for a token that may not stand where it does, or not go there.
 */
export async function prepareRequest(
  plan: RequestPlan,
  client: ClientConnection,
  { origin, trusted, policy }: { origin: Origin; trusted: boolean; policy: ProxyPolicy },
): Promise<OutgoingRequest> {
  const { host, port, secure } = origin;
  const destination = { host, port, path: plan.target.path, trusted, defaultPort: secure ? 443 : 80 };
  const context: SwapContext = { destination, tokens: policy.tokens, encoded: policy.tokenPlan };
  // What is decided by the head alone needs no body.
  const pathAndQuery = swapTarget(plan.target.pathAndQuery, context);
  const fields = swapFields(plan.fields, context);
  const body = await prepareBody(plan, client, { context, policy });
  const kept = fields.filter(({ lower }) => !body.dropped.includes(lower));
  const head = requestHeadBytes({ method: plan.method, pathAndQuery, framing: body.framing }, kept, origin);
  return { head, ...body };
}

interface PreparedBody extends Pick<OutgoingRequest, "framing" | "first" | "rest" | "expectsContinue"> {
  /** Fields that are no longer true. */
  readonly dropped: readonly Field["lower"][];
}

const EMPTY = new Uint8Array(0);

async function prepareBody(
  plan: RequestPlan,
  client: ClientConnection,
  { context, policy }: { context: SwapContext; policy: ProxyPolicy },
): Promise<PreparedBody> {
  const { framing, codings } = plan;
  if (framing.kind === "none") return { framing, first: EMPTY, rest: undefined, expectsContinue: false, dropped: [] };
  const body = new BodyReader(client.reader, framing);
  const encoded = codings.length > 0;
  const small = framing.kind === "length" && framing.bytes <= LIMITS.wholeBodyBytes && !plan.expectsContinue;
  const fitting = framing.kind !== "length" || framing.bytes <= LIMITS.swappedBodyBytes;
  if (!small && !encoded && !(policy.anyInBody && fitting)) {
    return { framing, first: EMPTY, rest: body, expectsContinue: plan.expectsContinue, dropped: [] };
  }
  // The body is wanted before the host is asked, so that we answer for it.
  if (plan.expectsContinue) await writeAll(client.sink, encodeLatin1("HTTP/1.1 100 Continue\r\n\r\n"));
  const maxBytes = encoded ? LIMITS.encodedBodyBytes : small ? LIMITS.wholeBodyBytes : LIMITS.swappedBodyBytes;
  const { bytes, whole } = await gather(body, maxBytes);
  const dropped = ["expect"];
  if (encoded) {
    if (!whole) throw new Refusal("PROXY_BODY_ENCODED");
    const plain = await decodeBody(bytes, codings);
    const swapped = swapBody(plain, plan.fields, context);
    return swapped === plain ? ready(bytes, dropped) : ready(swapped, [...dropped, "content-encoding"]);
  }
  if (whole) return ready(swapBody(bytes, plan.fields, context), dropped);
  // Longer than what is swapped: it streams, and a token in it refuses the request.
  refuseDisguisedBytes(bytes, policy.tokenPlan);
  return { framing, first: bytes, rest: body, expectsContinue: false, dropped };
}

function ready(bytes: Uint8Array, dropped: readonly string[]): PreparedBody {
  const framing: Framing = bytes.length === 0 ? { kind: "none" } : { kind: "length", bytes: bytes.length };
  return { framing, first: bytes, rest: undefined, expectsContinue: false, dropped };
}

/** Reads a body to its end, or until it is longer than `maxBytes`. */
async function gather(body: BodyReader, maxBytes: number): Promise<{ bytes: Uint8Array; whole: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size <= maxBytes) {
    const piece = await body.next();
    if (piece === undefined) {
      if (body.trailers.length > 0) throw new HttpError("HTTP_TRAILER_UNSUPPORTED", 400);
      return { bytes: concat(...parts), whole: true };
    }
    size += piece.length;
    parts.push(piece.slice());
  }
  return { bytes: concat(...parts), whole: false };
}
