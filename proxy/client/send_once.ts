import { HEADER_NAME_REGEXP } from "../../policy/placement.ts";
import { Denial, type DenialCode } from "../../policy/server/denial.ts";
import type { ByteLease } from "../byte_budget.ts";
import { concat } from "../concat.ts";
import { type BodyPieces, decodedPieces } from "../exchange/decoded_pieces.ts";
import { requestHeadBytes } from "../exchange/request_head_bytes.ts";
import type { Origin } from "../exchange/request_plan.ts";
import { BodyReader } from "../http/body_reader.ts";
import type { ByteReader } from "../http/byte_reader.ts";
import { endToEnd, type Field, listed } from "../http/fields.ts";
import { responseFraming } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import { parseResponseHead, type ResponseHead } from "../http/response_head.ts";
import { LIMITS } from "../limits.ts";
import { Refusal, type RefusalCode } from "../refusal.ts";
import type { ScrubPlan } from "../scrub/scrub_plan.ts";
import type { DialSettings } from "../upstream/dial.ts";
import { connectUpstream } from "../upstream/upstream.ts";
import { writeAll } from "../write_all.ts";

/** A request of our own. */
export interface ClientRequest {
  readonly origin: Origin;
  /** Upper case. */
  readonly method: string;
  /** Visible ASCII, beginning with "/". */
  readonly pathAndQuery: string;
  /** Without `Host`, `Accept-Encoding`, `Connection` and those of framing, which are written here. */
  readonly fields: readonly Field[];
  readonly body: Uint8Array | undefined;
}

export interface ClientSettings {
  readonly dial: DialSettings;
  /** The operator has said that the host's address may be private or loopback (TM-12). */
  readonly allowPrivate: boolean;
  /** Of the response's body, decoded and searched. */
  readonly maxBytes: number;
  /** What becomes of a longer body: it is refused, or cut and marked. */
  readonly longer: "refuse" | "cut";
  /** Over all: look-up, connection, request and response. */
  readonly timeoutMs: number;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
  /** Grows by what is held of the body. */
  readonly lease?: ByteLease;
  /** Head and body are searched by it before anything else is done with them (TM-01). */
  readonly valuePlan?: ScrubPlan;
}

/** A whole response. Redirects are answered as they are: none is followed (TM-11). */
export interface ClientResponse {
  readonly status: number;
  /** In the order they came, without hop-by-hop fields and, where it was undone, `Content-Encoding`. */
  readonly fields: readonly Field[];
  /** Decoded, and owned by the caller. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body went on beyond `maxBytes`. */
  readonly truncated: boolean;
}

/**
 * Sends one request on a connection of its own and reads the response whole.
 *
 * Certificates are verified for the name before a byte goes out (TM-09), addresses checked (TM-12); clear text goes to
 * this machine only. Codings but gzip, deflate and Brotli are refused (TM-02).
 *
 * @throws {Denial} `UPSTREAM_UNREACHABLE`, `UPSTREAM_CERTIFICATE`, `UPSTREAM_ADDRESS_DENIED`, `UPSTREAM_INVALID` or
 * `UPSTREAM_TIMEOUT`. Details are fixed phrases of ours.
 * @throws The reason of `signal`, once it is aborted.
 * @throws {TypeError} for a request that could not be framed or would be read in two ways; it is not echoed.
 */
export async function sendOnce(request: ClientRequest, settings: ClientSettings): Promise<ClientResponse> {
  const bytes = requestBytes(request);
  settings.signal?.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Denial("UPSTREAM_TIMEOUT", { detail: "no whole answer in time" })),
    settings.timeoutMs,
  );
  const signal = settings.signal === undefined ? late.signal : AbortSignal.any([late.signal, settings.signal]);
  try {
    return await untilAborted(exchange(request, bytes, { ...settings, signal }), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toDenial(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for `work` or the end of `signal`; the work notices the end itself, soon. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    // Nobody waits for it any more, and it may fail.
    work.catch(() => {});
  }
}

async function exchange(
  { origin, method }: ClientRequest,
  bytes: Uint8Array,
  settings: ClientSettings & { readonly signal: AbortSignal },
): Promise<ClientResponse> {
  const { dial, allowPrivate, signal } = settings;
  using upstream = await connectUpstream({ ...origin, named: allowPrivate }, dial, signal);
  // It may have ended while the connection was made.
  signal.throwIfAborted();
  if (!upstream.trusted) {
    throw new Denial("UPSTREAM_ADDRESS_DENIED", { detail: "clear text is for this machine only" });
  }
  const close = () => upstream[Symbol.dispose]();
  signal.addEventListener("abort", close, { once: true });
  try {
    // A host may answer before it has read all; how the sending fails says less than what was answered.
    const sending = writeAll(upstream.conn, bytes).catch(() => {});
    const response = await readResponse(upstream.reader, method, settings);
    close();
    await sending;
    return response;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function readResponse(reader: ByteReader, method: string, settings: ClientSettings): Promise<ClientResponse> {
  const head = await readHead(reader, method, settings.valuePlan);
  const framing = responseFraming(head.fields, { ...head, method });
  const codings = listed(head.fields, "content-encoding").filter((coding) => coding !== "identity");
  const encoded = framing.kind !== "none" && codings.length > 0;
  const fields = endToEnd(head.fields).filter(({ lower }) => !(encoded && lower === "content-encoding"));
  const wire = new BodyReader(reader, framing);
  const expectedBytes = framing.kind === "length" && !encoded ? framing.bytes : undefined;
  const pieces = encoded ? decodedPieces(wire, codings) : wire;
  const { body, truncated } = await readBody(pieces, { ...settings, expectedBytes });
  return { status: head.status, fields, body, truncated };
}

async function readHead(reader: ByteReader, method: string, plan: ScrubPlan | undefined): Promise<ResponseHead> {
  for (let informational = 0; informational <= LIMITS.informationalResponses; informational++) {
    const bytes = await reader.readHead(LIMITS.headBytes);
    if (bytes === undefined) throw new HttpError("HTTP_HEAD_CUT_OFF", 502);
    // Searched as a whole, before it is taken apart.
    const head = parseResponseHead(plan?.replaceAll(bytes) ?? bytes);
    if (head.status >= 200) return head;
    // Nothing here asks for another protocol.
    if (head.status === 101) break;
    responseFraming(head.fields, { ...head, method });
  }
  throw new HttpError("HTTP_RESPONSE_INVALID", 502);
}

async function readBody(
  pieces: BodyPieces,
  { maxBytes, longer, valuePlan, lease, expectedBytes }: ClientSettings & {
    readonly expectedBytes: number | undefined;
  },
): Promise<Pick<ClientResponse, "body" | "truncated">> {
  const replacer = valuePlan?.replacer({ keepLength: false });
  const body = new CappedBytes(maxBytes, expectedBytes);
  for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
    lease?.grow(Math.min(piece.length, maxBytes));
    // What is held back here is never cut into: it may begin a value.
    body.push(replacer?.push(piece) ?? piece);
    if (body.overflowed) break;
  }
  if (!body.overflowed && replacer !== undefined) body.push(replacer.flush());
  if (body.overflowed && longer === "refuse") throw new Denial("UPSTREAM_INVALID", { detail: "the body is too long" });
  return { body: body.take(), truncated: body.overflowed };
}

/** Room for most answers of an API. */
const FIRST_BODY_BYTES = 8 * 1024;

/** Gathers bytes up to a limit. They may come one at a time: what is held is the bytes, and no list of pieces. */
class CappedBytes {
  readonly #maxBytes: number;
  readonly #expectedBytes: number | undefined;
  #bytes = new Uint8Array(0);
  #length = 0;
  /** Whether there was more than the limit. */
  overflowed = false;

  /** @param expectedBytes How many are announced: then no more than these are made room for, once the first have come. */
  constructor(maxBytes: number, expectedBytes: number | undefined) {
    this.#maxBytes = maxBytes;
    this.#expectedBytes = expectedBytes;
  }

  /** Copies a piece, as much of it as there is room for. */
  push(piece: Uint8Array): void {
    const room = this.#maxBytes - this.#length;
    if (piece.length > room) this.overflowed = true;
    const taken = piece.subarray(0, room);
    const end = this.#length + taken.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#roomAfter(this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(taken, this.#length);
    this.#length = end;
  }

  /** Twice as much each time, so that an announcement alone takes no memory; in the end exactly what was announced. */
  #roomAfter(room: number): number {
    const next = Math.min(Math.max(FIRST_BODY_BYTES, 2 * room), this.#maxBytes);
    const expected = this.#expectedBytes;
    return expected !== undefined && expected > room && expected < 2 * next ? Math.min(expected, this.#maxBytes) : next;
  }

  /** The bytes, with a buffer of their own that holds nothing else. They are taken once. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }
}

/** RFC 9110 §9.1: a token; ours are written in upper case. */
const METHOD_REGEXP = /^[A-Z][A-Z0-9!#$%&'*+\-.^_`|~]{0,31}$/;
const TARGET_REGEXP = /^\/[\x21-\x7e]*$/;
/** No control character but the tab, no character that is more than a byte (RFC 9110 §5.5). */
const VALUE_REGEXP = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Fields that are written here. */
const OWN: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function requestBytes({ origin, method, pathAndQuery, fields, body }: ClientRequest): Uint8Array {
  const valid = METHOD_REGEXP.test(method) && TARGET_REGEXP.test(pathAndQuery) &&
    fields.every(({ name, lower, value }) =>
      HEADER_NAME_REGEXP.test(name) && name.toLowerCase() === lower && VALUE_REGEXP.test(value) && !OWN.has(lower)
    );
  if (!valid) throw new TypeError("Cannot send request: its method, target or fields are not plain");
  const head = {
    method,
    pathAndQuery,
    fields: [...fields, { name: "Connection", lower: "connection", value: "close" }],
    framing: body === undefined ? { kind: "none" } as const : { kind: "length", bytes: body.length } as const,
  };
  return concat(requestHeadBytes(head, origin), body ?? new Uint8Array(0));
}

const CODES: Readonly<Partial<Record<RefusalCode, DenialCode>>> = {
  POLICY_ADDRESS_DENIED: "UPSTREAM_ADDRESS_DENIED",
  POLICY_HOST_DENIED: "UPSTREAM_UNREACHABLE",
  PROXY_OVERLOADED: "OVERLOADED",
  PROXY_UPSTREAM_UNREACHABLE: "UPSTREAM_UNREACHABLE",
  PROXY_UPSTREAM_CERTIFICATE: "UPSTREAM_CERTIFICATE",
};

function toDenial(error: unknown): Denial {
  if (error instanceof Denial) return error;
  if (error instanceof Refusal) {
    const code = CODES[error.code] ?? "UPSTREAM_INVALID";
    const detail = error.code === "PROXY_RESPONSE_ENCODED" ? "the body has an encoding that is not undone" : undefined;
    return denial(code, detail ?? error.facts.detail);
  }
  if (error instanceof HttpError) {
    return denial("UPSTREAM_INVALID", /CUT_OFF/.test(error.code) ? "it is cut off" : "it breaks HTTP");
  }
  // A connection that was reset, or a body that is not what its coding says.
  return denial("UPSTREAM_INVALID", "it cannot be read to its end");
}

function denial(code: DenialCode, detail: string | undefined): Denial {
  return new Denial(code, detail === undefined ? {} : { detail });
}
