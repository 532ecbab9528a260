import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../../proxy/concat.ts";
import { BodyReader } from "../../../proxy/http/body_reader.ts";
import { ByteReader } from "../../../proxy/http/byte_reader.ts";
import { single } from "../../../proxy/http/fields.ts";
import { keepsAlive, requestFraming, responseFraming } from "../../../proxy/http/framing.ts";
import { HttpError } from "../../../proxy/http/http_error.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { parseRequestHead } from "../../../proxy/http/request_head.ts";
import { parseResponseHead } from "../../../proxy/http/response_head.ts";
import { parseAuthority, parseTarget } from "../../../proxy/http/target.ts";
import { LIMITS } from "../../../proxy/limits.ts";
import { NODE_METHODS, NodeHttpParser, type NodeMessage } from "../llhttp.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { splitSource } from "../split_source.ts";

/** Messages on one connection that are compared. */
const MAX_MESSAGES = 4;

const node = new NodeHttpParser();

/** Reads as many messages as we accept, in the order that the proxy reads and checks them. */
async function ours(kind: "request" | "response", bytes: Uint8Array): Promise<NodeMessage[]> {
  const reader = new ByteReader(splitSource(bytes));
  const messages: NodeMessage[] = [];
  try {
    while (messages.length < MAX_MESSAGES) {
      const head = await reader.readHead(LIMITS.headBytes);
      if (head === undefined) break;
      const next = kind === "request" ? await request(head, reader) : await response(head, reader);
      if (next === undefined) break;
      messages.push(next.message);
      if (!next.goesOn) break;
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
  }
  return messages;
}

interface Read {
  readonly message: NodeMessage;
  /** Whether another message may follow. */
  readonly goesOn: boolean;
}

async function request(bytes: Uint8Array, reader: ByteReader): Promise<Read | undefined> {
  const { method, target, minorVersion, fields } = parseRequestHead(bytes);
  if (method === "CONNECT") parseAuthority(target, undefined);
  else parseTarget(target);
  // Refused by the proxy, and read by Node in ways of their own.
  if (single(fields, "upgrade") !== undefined || !NODE_METHODS.has(method)) return undefined;
  const framing = requestFraming(fields, minorVersion);
  if (method === "CONNECT" && framing.kind !== "none") return undefined;
  const body = await wholeBody(new BodyReader(reader, framing));
  if (body === undefined) return undefined;
  const message = { method, target, status: 0, fields: fields.map(({ name, value }) => [name, value] as const), body };
  return { message, goesOn: method !== "CONNECT" && keepsAlive(fields, minorVersion) };
}

async function response(bytes: Uint8Array, reader: ByteReader): Promise<Read | undefined> {
  const { status, minorVersion, fields } = parseResponseHead(bytes);
  const framing = responseFraming(fields, { status, minorVersion, method: "GET" });
  if (status === 101) return undefined;
  const body = await wholeBody(new BodyReader(reader, framing));
  if (body === undefined) return undefined;
  const message = {
    method: "",
    target: "",
    status,
    fields: fields.map(({ name, value }) => [name, value] as const),
    body,
  };
  return { message, goesOn: framing.kind !== "close" && keepsAlive(fields, minorVersion) };
}

/** @returns Undefined for a body with trailers, which the proxy refuses in requests and drops from responses. */
async function wholeBody(body: BodyReader): Promise<string | undefined> {
  let text = "";
  for (let piece = await body.next(); piece !== undefined; piece = await body.next()) text += decodeLatin1(piece);
  return body.trailers.length > 0 ? undefined : text;
}

/** White space around a value may be a tab (RFC 9110 §5.6.3); Node refuses it here, we write the field anew without it. */
const TABBED_REGEXP = /^(?:content-length|transfer-encoding|connection|proxy-connection):[^\r\n]*\t/im;

/** What we accept, Node must accept too, and read alike; the reverse is not asked for. */
async function checkAgainstNode(kind: "request" | "response", bytes: Uint8Array): Promise<boolean> {
  const accepted = await ours(kind, bytes);
  if (accepted.length === 0 || TABBED_REGEXP.test(decodeLatin1(bytes))) return false;
  const theirs = node.messages(kind, bytes).map((message) => kind === "request" ? message : { ...message, method: "" });
  assert.deepEqual(theirs.slice(0, accepted.length), accepted);
  return true;
}

const FIELDS = [
  "Host: a.test",
  "Content-Length: 5",
  "Content-Length: 0",
  "Content-Length:5 ",
  "content-length: 05",
  "Content-Length: 5, 5",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: Chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding : chunked",
  "Connection: close",
  "Connection: keep-alive",
  "Connection: Upgrade",
  "Upgrade: h2c",
  "Proxy-Connection: close",
  "X-A:\t b \t",
  "X-\xe4: \xe4",
  "X-A:",
  " folded",
  "Expect: 100-continue",
  "Trailer: X",
  "TE: trailers",
];
const BODIES = [
  "",
  "hello",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\n\r\n",
  "05\r\nhello\r\n00\r\n\r\n",
  "A\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
  "0\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
];
const REQUEST_LINES = [
  "GET / HTTP/1.1",
  "POST /a?b=c HTTP/1.1",
  "PUT / HTTP/1.0",
  "CONNECT a.test:443 HTTP/1.1",
  "CONNECT [::1]:443 HTTP/1.1",
  "OPTIONS http://a.test/ HTTP/1.1",
  "HEAD https://[::1]:1?x HTTP/1.1",
  "M-SEARCH /%00|{} HTTP/1.1",
  "SOURCE /\xe4 HTTP/1.1",
];
const STATUS_LINES = [
  "HTTP/1.1 200 OK",
  "HTTP/1.1 200",
  "HTTP/1.1 204 ",
  "HTTP/1.0 200 OK",
  "HTTP/1.1 304 Not Modified",
  "HTTP/1.1 100 Continue",
  "HTTP/1.1 101 Switching",
  "HTTP/1.1 999 \xe4\t",
];
const DICTIONARY = [...FIELDS, ...BODIES, "\r\n", "\r\n\r\n", "HTTP/1.1", "chunked", "Content-Length", "\n", "\r"];

function messages(firstLines: readonly string[]): fc.Arbitrary<Uint8Array> {
  const message = fc.tuple(
    fc.constantFrom(...firstLines),
    fc.array(fc.constantFrom(...FIELDS), { maxLength: 4 }),
    fc.constantFrom(...BODIES),
  ).map(([line, fields, body]) => `${[line, ...fields].join("\r\n")}\r\n\r\n${body}`);
  return fc.array(message, { minLength: 1, maxLength: 3 }).map((all) => encodeLatin1(all.join("")));
}

/** RFC 9112 requests, against Node. */
export const httpRequest: FuzzTarget = {
  name: "http-request",
  inputs: messages(REQUEST_LINES),
  dictionary: [...DICTIONARY, ...REQUEST_LINES],
  check: (input) => checkAgainstNode("request", input),
};

/** RFC 9112 responses, against Node. */
export const httpResponse: FuzzTarget = {
  name: "http-response",
  inputs: messages(STATUS_LINES),
  dictionary: [...DICTIONARY, ...STATUS_LINES],
  check: (input) => checkAgainstNode("response", input),
};

const CHUNKED_HEAD = encodeLatin1("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");

/** RFC 9112 §7.1: chunks after a head that is always right, against Node. */
export const chunks: FuzzTarget = {
  name: "chunks",
  inputs: fc.array(fc.constantFrom(...BODIES, "1\r\na\r\n", "fF\r\n", "\r\n", "00000000000005\r\n"), { maxLength: 6 })
    .map((parts) => encodeLatin1(parts.join(""))),
  dictionary: ["\r\n", "0\r\n\r\n", "1\r\na\r\n", ";", "fffffffffffff", "-1", "0x1", " ", "\t"],
  check: (input) => checkAgainstNode("request", concat(CHUNKED_HEAD, input)),
};
