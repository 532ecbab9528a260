import type { IncomingMessage, RequestOptions } from "node:http";
import { Buffer } from "node:buffer";
import { Denial, DENIAL_CODES, type DenialCode } from "../policy/server/denial.ts";

/** What a server answered. */
export interface ServerAnswer {
  readonly status: number;
  /** The caller clears it where it may hold a value. */
  readonly body: Uint8Array;
}

export interface ServerCall {
  readonly method: "GET" | "POST";
  /** Below the server's URL, with a slash first. */
  readonly path: string;
  readonly jwt?: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Asks a team server once. A redirect is an answer like any other, since what goes along is a JWT. No proxy of the
 * environment is used.
 *
 * @param ca PEM: the only roots that are trusted; undefined: the usual ones.
 * @throws What the runtime says of a connection that fails, and `RangeError` for an answer over `maxBytes`.
 */
export async function askServer(
  url: string,
  ca: string | undefined,
  { method, path, jwt, json, maxBytes, signal }: ServerCall,
): Promise<ServerAnswer> {
  const target = new URL(path, url);
  const secure = target.protocol === "https:";
  const { request } = secure ? await import("node:https") : await import("node:http");
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  const options: RequestOptions & { ca?: string } = {
    method,
    // One connection for one question: nothing is kept that a later JWT would go out on.
    agent: false,
    signal,
    headers: {
      accept: "application/json",
      ...(jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }),
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": String(body.length) }),
    },
    ...(secure && ca !== undefined ? { ca } : {}),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(target, options, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
  return { status: response.statusCode ?? 0, body: await readBody(response, maxBytes) };
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of response) {
      const bytes: Uint8Array = part;
      length += bytes.length;
      parts.push(bytes);
      if (length > maxBytes) throw new RangeError("Cannot read answer: it is too long");
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  } finally {
    for (const part of parts) part.fill(0);
    response.destroy();
  }
}

/** Longest JWT file. */
export const MAX_JWT_BYTES = 16 * 1024;

/** Whether a text is a compact JWS (RFC 7515 §3.1), as far as a header has to know. */
export function isJwt(text: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(text);
}

/** @throws What the runtime says, and `RangeError` for a file over `maxBytes`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<string> {
  using file = await Deno.open(path, { read: true });
  const buffer = new Uint8Array(maxBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = await file.read(buffer.subarray(length));
    if (count === null) return new TextDecoder().decode(buffer.subarray(0, length));
    length += count;
  }
  throw new RangeError("Cannot read file: it is too long");
}

/** One of the faults that {@linkcode connectionFault} tells. */
export const UNTRUSTED = "the server's certificate is not valid for its name";

/** Which of our words says what {@linkcode askServer} threw: what the runtime says may hold more. */
export function connectionFault(cause: unknown): string {
  const text = cause instanceof Error ? `${"code" in cause ? cause.code : ""} ${cause.message}` : "";
  if (/certificate|CERT_|UnknownIssuer|NotValidForName|self.signed/i.test(text)) return UNTRUSTED;
  return cause instanceof RangeError ? "the server's answer is too long" : "the server cannot be reached";
}

/** @returns Undefined for what is not JSON. The bytes, which may hold a value, are cleared. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  } finally {
    bytes.fill(0);
  }
}

/** A member of an object of JSON; undefined for anything else. */
export function fieldOf(content: unknown, name: string): unknown {
  return typeof content === "object" && content !== null && Object.hasOwn(content, name)
    ? Reflect.get(content, name)
    : undefined;
}

/** What a server says that it denied (RFC 9457). Known codes only: what else a server says is not printed. */
export function denialOf(content: unknown): Denial | undefined {
  const code = fieldOf(content, "code");
  return isDenialCode(code) ? new Denial(code) : undefined;
}

function isDenialCode(code: unknown): code is DenialCode {
  return DENIAL_CODES.some((known) => known === code);
}
