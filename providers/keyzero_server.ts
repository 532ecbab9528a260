import type { IncomingMessage, RequestOptions } from "node:http";
import { Buffer } from "node:buffer";

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
