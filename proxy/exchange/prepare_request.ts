import type { BodySource } from "../aws_sigv4/chunked_payload.ts";
import { requireCredentials } from "../aws_sigv4/credentials.ts";
import { findSignedRequest, type SignedRequest } from "../aws_sigv4/signed_request.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import { concatAll } from "../concat.ts";
import type { ByteLease } from "../byte_budget.ts";
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
import { swapHead } from "../swap/swap_head.ts";
import { timeLimit } from "../time_limit.ts";
import { writeAll } from "../write_all.ts";
import { decodeBody } from "./decode_body.ts";
import { isGrpc } from "./grpc.ts";
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
  readonly rest: BodySource | undefined;
  /** The body is one of gRPC's. */
  readonly inMessages: boolean;
  /** The secrets in it. */
  readonly used: ReadonlySet<SecretName>;
  /** What its tokens were replaced by, for what follows a handshake. */
  readonly context: SwapContext;
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
  { origin, trusted, policy, lease }: { origin: Origin; trusted: boolean; policy: ProxyPolicy; lease: ByteLease },
): Promise<OutgoingRequest> {
  const { host, port, secure } = origin;
  const destination = { host, port, path: plan.target.path, trusted, defaultPort: secure ? 443 : 80 };
  const used = new Set<SecretName>();
  const context: SwapContext = { destination, tokens: policy.tokens, encoded: policy.outgoingPlan, used };
  // What is decided by the head alone needs no body.
  const signed = findSignedRequest({ ...plan, pathAndQuery: plan.target.pathAndQuery }, policy.awsKeys);
  const credentials = signed === undefined ? undefined : requireCredentials(signed, context);
  const { pathAndQuery } = signed ?? plan.target;
  const swapped = swapHead({ pathAndQuery, fields: (signed ?? plan).fields }, context);
  const body = plan.framing.kind === "none"
    ? NO_BODY
    : await prepareBody(plan, client, { context, policy, signed, lease });
  const fields = swapped.fields.filter(({ lower }) => !body.dropped.includes(lower));
  const head = { method: plan.method, pathAndQuery: swapped.pathAndQuery, fields, framing: body.framing };
  if (signed === undefined || credentials === undefined) {
    return { ...body, inMessages: isGrpc(fields), used, context, head: requestHeadBytes(head, origin) };
  }
  const { resignRequest } = await import("../aws_sigv4/resign_request.ts");
  const resigned = resignRequest(signed, { head, body }, { plan, origin, credentials, context, lease });
  const { rest } = resigned;
  return { ...body, inMessages: false, used, context, head: requestHeadBytes(resigned.head, origin), rest };
}

interface PreparedBody extends Pick<OutgoingRequest, "framing" | "first" | "rest" | "expectsContinue"> {
  /** The body as it came; absent where it streams. */
  readonly received: Uint8Array | undefined;
  /** Fields that are no longer true. */
  readonly dropped: readonly Field["lower"][];
}

const EMPTY = new Uint8Array(0);
const NO_BODY: PreparedBody = {
  framing: { kind: "none" },
  first: EMPTY,
  received: undefined,
  rest: undefined,
  expectsContinue: false,
  dropped: [],
};

/** For a request that has one. */
async function prepareBody(
  plan: RequestPlan,
  client: ClientConnection,
  { context, policy, signed, lease }: {
    context: SwapContext;
    policy: ProxyPolicy;
    signed: SignedRequest | undefined;
    lease: ByteLease;
  },
): Promise<PreparedBody> {
  const { framing } = plan;
  const streamed = { framing, first: EMPTY, received: undefined, expectsContinue: plan.expectsContinue, dropped: [] };
  const body = new BodyReader(client.reader, framing);
  const chunked = signed?.payload.kind === "chunks";
  // What is signed in chunks is taken apart when it is signed anew.
  const codings = chunked ? plan.codings.filter((coding) => coding !== "aws-chunked") : plan.codings;
  if (chunked && codings.length === 0) return { ...streamed, rest: body };
  const encoded = codings.length > 0;
  const small = framing.kind === "length" && framing.bytes <= LIMITS.wholeBodyBytes && !plan.expectsContinue;
  const hashed = signed?.payload.kind === "body";
  // A stream of messages may wait for the answer to its first one; it has no fields to stand in.
  const fitting = !isGrpc(plan.fields) && (framing.kind !== "length" || framing.bytes <= LIMITS.swappedBodyBytes);
  if (!small && !encoded && !hashed && !(policy.anyInBody && fitting)) return { ...streamed, rest: body };
  if (hashed && framing.kind === "length" && framing.bytes > LIMITS.signedBodyBytes) throw tooLarge(signed);
  // The body is wanted before the host is asked, so that we answer for it.
  if (plan.expectsContinue) await writeAll(client.sink, encodeLatin1("HTTP/1.1 100 Continue\r\n\r\n"));
  const maxBytes = encoded ? LIMITS.encodedBodyBytes : hashed ? LIMITS.signedBodyBytes : LIMITS.swappedBodyBytes;
  const { bytes, whole } = await gather(body, { maxBytes, lease });
  const dropped = ["expect"];
  if (encoded) {
    if (!whole || chunked) throw new Refusal("PROXY_BODY_ENCODED");
    const plain = await decodeBody(bytes, codings, lease);
    const swapped = swapBody(plain, plan.fields, context);
    return swapped === plain
      ? ready(bytes, { received: bytes, dropped })
      : ready(swapped, { received: bytes, dropped: [...dropped, "content-encoding"] });
  }
  if (whole) return ready(swapBody(bytes, plan.fields, context), { received: bytes, dropped });
  if (hashed) throw tooLarge(signed);
  // Longer than what is swapped: it streams, and a token in it refuses the request.
  refuseDisguisedBytes(bytes, context);
  return { ...streamed, first: bytes, rest: body, expectsContinue: false, dropped };
}

function ready(bytes: Uint8Array, about: Pick<PreparedBody, "received" | "dropped">): PreparedBody {
  const framing: Framing = bytes.length === 0 ? { kind: "none" } : { kind: "length", bytes: bytes.length };
  return { ...about, framing, first: bytes, rest: undefined, expectsContinue: false };
}

function tooLarge({ keys }: SignedRequest): Refusal {
  return new Refusal("PROXY_AWS_BODY_TOO_LARGE", { secret: keys.name });
}

/** Reads a body to its end, or until it is longer than `maxBytes`; what is beyond a small body is on the lease. */
async function gather(
  body: BodyReader,
  { maxBytes, lease }: { maxBytes: number; lease: ByteLease },
): Promise<{ bytes: Uint8Array; whole: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  using limit = timeLimit(LIMITS.heldBodyTimeoutMs, () => new Refusal("PROXY_BODY_TOO_SLOW"));
  while (size <= maxBytes) {
    const piece = await limit.within(body.next());
    if (piece === undefined) {
      if (body.trailers.length > 0) throw new HttpError("HTTP_TRAILER_UNSUPPORTED", 400);
      return { bytes: concatAll(parts), whole: true };
    }
    const small = Math.max(0, LIMITS.wholeBodyBytes - size);
    lease.grow(Math.max(0, piece.length - small));
    size += piece.length;
    parts.push(piece.slice());
  }
  return { bytes: concatAll(parts), whole: false };
}
