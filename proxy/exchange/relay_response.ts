import type { SecretName } from "../../policy/secret_name.ts";
import { concat } from "../concat.ts";
import { BodyReader } from "../http/body_reader.ts";
import type { ByteReader } from "../http/byte_reader.ts";
import { chunk, LAST_CHUNK } from "../http/chunk.ts";
import { endToEnd, type Field, isStructural, listed } from "../http/fields.ts";
import { keepsAlive, responseFraming } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { parseResponseHead, type ResponseHead } from "../http/response_head.ts";
import type { Authority } from "../http/target.ts";
import { LIMITS } from "../limits.ts";
import { ResponseMinter } from "../minted/response_minter.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { Refusal } from "../refusal.ts";
import type { ScrubPlan } from "../scrub/scrub_plan.ts";
import { decodedPieces } from "./decoded_pieces.ts";
import { gatherShort } from "./gather_short.ts";
import { isGrpc, messagesAreEncoded, MessageWise } from "./grpc.ts";
import type { WebSocketOffer } from "../websocket/handshake.ts";
import { type ByteSink, writeAll } from "../write_all.ts";

/** The client's side of a response. */
export interface ResponseSink {
  readonly client: ByteSink;
  readonly method: string;
  /** The client's HTTP/1.x. */
  readonly minorVersion: number;
  /** Whether the client's connection goes on after this exchange, as far as the client is concerned. */
  readonly keepAlive: boolean;
  /** Whether the client asked for a 100. */
  readonly expectsContinue: boolean;
  /** Whether trailers are passed on; to others they are of no use. */
  readonly takesTrailers: boolean;
  /** What a 101 is checked against; without it none may come. */
  readonly webSocket: WebSocketOffer | undefined;
  /** Told when the first byte of the final response goes out: from then on nothing else can be answered. */
  onStarted(): void;
}

/** Whom a response is for, and by what it is searched. */
export interface ResponseContext {
  readonly sink: ResponseSink;
  readonly policy: ProxyPolicy;
}

/** What a response answers. */
export interface Answered {
  /** The secrets in the request. */
  readonly used: ReadonlySet<SecretName>;
  readonly from: Authority;
}

/** What goes on after a response. */
export interface ResponseEnd {
  readonly keepUpstream: boolean;
  readonly keepClient: boolean;
}

/** Fields that would lead the client round the proxy (RFC 7838), or that the proxy writes itself. */
const DROPPED: ReadonlySet<string> = new Set(["alt-svc", "content-length"]);

const EMPTY = new Uint8Array(0);

/**
 * Reads a response's head, passing a wanted 100 on.
 *
 * @returns Undefined if the connection ended before the first byte.
 */
export async function readResponseHead(
  upstream: ByteReader,
  { sink, policy }: ResponseContext,
): Promise<ResponseHead | undefined> {
  for (let informational = 0; informational <= LIMITS.informationalResponses; informational++) {
    const bytes = await upstream.readHead(LIMITS.headBytes);
    if (bytes === undefined) return undefined;
    // The head is searched as a whole, before it is taken apart (TM-01).
    const head = parseResponseHead(policy.valuePlan.replaceAll(bytes));
    if (head.status < 200) responseFraming(head.fields, { ...head, method: sink.method });
    if (head.status === 101 && sink.webSocket === undefined) break;
    if (head.status >= 200 || head.status === 101) return head;
    if (head.status === 100 && sink.expectsContinue) {
      await writeAll(sink.client, encodeLatin1("HTTP/1.1 100 Continue\r\n\r\n"));
    }
  }
  throw new HttpError("HTTP_RESPONSE_INVALID", 502);
}

/** Passes a final response on, with every real value in it replaced by its token, and every credential that is new. */
export async function relayResponse(
  head: ResponseHead,
  upstream: ByteReader,
  { sink, policy, answered }: ResponseContext & { readonly answered: Answered },
): Promise<ResponseEnd> {
  const framing = responseFraming(head.fields, { ...head, method: sink.method });
  const codings = listed(head.fields, "content-encoding").filter((coding) => coding !== "identity");
  const encoded = framing.kind !== "none" && codings.length > 0;
  // What is compressed message by message cannot be searched (TM-02).
  if (messagesAreEncoded(head.fields)) throw new Refusal("PROXY_RESPONSE_ENCODED");
  const minter = ResponseMinter.of(head.fields, answered, policy.minting);
  const fields = headFields(head, { encoded, minter });
  const keepUpstream = framing.kind !== "close" && !overAnnounced(head) && keepsAlive(head.fields, head.minorVersion);
  const wire = new BodyReader(upstream, framing);
  // What comes encoded all the same is decoded, searched, and sent on as it is meant (TM-02).
  const body = encoded ? decodedPieces(wire, codings) : wire;
  const small = !encoded && framing.kind === "length" && framing.bytes <= LIMITS.wholeBodyBytes;
  const whole = (bytes: Uint8Array | undefined): Uint8Array => {
    // First: what it gives out is in the plan from then on.
    const masked = bytes === undefined ? EMPTY : minter?.replaceAll(bytes) ?? bytes;
    const plain = policy.valuePlan.replaceAll(masked);
    const trailers = sink.takesTrailers ? wire.trailers : [];
    const line = bytes === undefined
      ? announcedLength(head)
      : trailers.length > 0
      ? "Transfer-Encoding: chunked\r\n"
      : `Content-Length: ${plain.length}\r\n`;
    const sent = trailers.length === 0
      ? plain
      : concat(plain.length > 0 ? chunk(plain) : EMPTY, trailerBytes(trailers, policy.valuePlan));
    // A credential that the body gave out may stand in the head as well.
    const shown = minter === undefined || minter.minted === 0 ? fields : searchedAgain(fields, policy.valuePlan);
    return concat(responseHeadBytes(head, shown, line + connectionLine(sink, sink.keepAlive)), sent);
  };
  const sendWhole = async (bytes: Uint8Array): Promise<ResponseEnd> => {
    sink.onStarted();
    await writeAll(sink.client, bytes);
    return { keepUpstream, keepClient: sink.keepAlive };
  };
  if (framing.kind === "none") return sendWhole(whole(undefined));
  if (small) return sendWhole(whole(wire.takeWhole(framing.bytes) ?? await gather(wire, framing.bytes)));
  const gathered = minter?.syntax === undefined ? undefined : await gatherShort(body, minter.syntax);
  if (gathered?.rest === undefined && gathered !== undefined) return sendWhole(whole(gathered.bytes));
  const scanner = minter?.scanner();
  // A length that was announced is kept, since clients show it and check it; else the body is sent in chunks, or, to a
  // client of HTTP/1.0, up to the end of the connection.
  const keepLength = !encoded && framing.kind === "length" && scanner === undefined;
  const chunked = !keepLength && sink.minorVersion === 1;
  const keepClient = sink.keepAlive && (keepLength || chunked);
  const line = keepLength ? `Content-Length: ${framing.bytes}\r\n` : chunked ? "Transfer-Encoding: chunked\r\n" : "";
  let start: Uint8Array = responseHeadBytes(head, fields, line + connectionLine(sink, keepClient));
  sink.onStarted();
  if (upstream.availableLength === 0 && gathered === undefined) {
    await writeAll(sink.client, start);
    start = EMPTY;
  }
  let plan = policy.valuePlan;
  // A message of gRPC says how long it is before it begins.
  const grpc = isGrpc(head.fields);
  const replacer = plan.replacer({ keepLength: keepLength || grpc });
  const searcher = grpc ? new MessageWise(replacer) : replacer;
  const frame = (bytes: Uint8Array) => chunked && bytes.length > 0 ? chunk(bytes, start) : concat(start, bytes);
  const searched = (bytes: Uint8Array) => {
    // Also what was given out since, in this response or another, is looked for from here on.
    if (policy.valuePlan !== plan) {
      plan = policy.valuePlan;
      replacer.use(plan.replacements);
    }
    return searcher.push(bytes);
  };
  const pieces = gathered?.rest ?? body;
  for (;;) {
    const piece = await pieces.next();
    if (piece === undefined) break;
    await writeAll(sink.client, frame(searched(scanner?.push(piece) ?? piece)));
    start = EMPTY;
  }
  const last = scanner === undefined ? EMPTY : searched(scanner.flush());
  const rest = frame(concat(last, searcher.flush()));
  const end = sink.takesTrailers ? trailerBytes(wire.trailers, policy.valuePlan) : LAST_CHUNK;
  await writeAll(sink.client, chunked ? concat(rest, end) : rest);
  return { keepUpstream, keepClient };
}

/** The last chunk with a trailer section, searched like a head (TM-01). What frames or routes is no trailer (RFC 9110 §6.5.1). */
function trailerBytes(trailers: readonly Field[], plan: ScrubPlan): Uint8Array {
  const lines = trailers.filter(({ lower }) => !isStructural(lower)).map(({ name, value }) => `${name}: ${value}\r\n`);
  return plan.replaceAll(encodeLatin1(`0\r\n${lines.join("")}\r\n`));
}

/** What goes on of a response's head. */
function headFields(
  head: ResponseHead,
  { encoded, minter }: { encoded: boolean; minter: ResponseMinter | undefined },
): readonly Field[] {
  const fields = endToEnd(head.fields, DROPPED).filter(({ lower }) => !encoded || lower !== "content-encoding");
  if (minter === undefined) return fields;
  return fields.map((field) => field.lower === "location" ? { ...field, value: minter.location(field.value) } : field);
}

function searchedAgain(fields: readonly Field[], plan: ScrubPlan): readonly Field[] {
  return fields.map((field) => ({ ...field, value: decodeLatin1(plan.replaceAll(encodeLatin1(field.value))) }));
}

async function gather(body: BodyReader, size: number): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** What a response without a body says of the body it does not have (HEAD, 304). */
function announcedLength({ status, fields }: ResponseHead): string {
  const length = fields.find((field) => field.lower === "content-length")?.value;
  return length === undefined || status === 204 ? "" : `Content-Length: ${length}\r\n`;
}

/** Whether a 204 says that it has a body (RFC 9110 §8.6): its sender may send one, late, as if it were a response. */
function overAnnounced({ status, fields }: ResponseHead): boolean {
  return status === 204 && fields.some(({ lower, value }) => lower === "content-length" && value !== "0");
}

/** To HTTP/1.0 a connection that goes on is said, to HTTP/1.1 one that ends (RFC 9112 §9.3). */
function connectionLine(sink: ResponseSink, keepAlive: boolean): string {
  if (!keepAlive) return "Connection: close\r\n";
  return sink.minorVersion === 0 ? "Connection: keep-alive\r\n" : "";
}

function responseHeadBytes(head: ResponseHead, fields: readonly Field[], ownLines: string) {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  return encodeLatin1(`${text}${ownLines}\r\n`);
}
