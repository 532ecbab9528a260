import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { Buffer } from "node:buffer";
import { connectionDuplex } from "./connection_duplex.ts";
import type { Lab } from "./lab.ts";

/** What a stream gave. Absent or empty where it ended before. */
export interface StreamAnswer {
  readonly status: number | undefined;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  readonly trailers: ReadonlyMap<string, string>;
  /** Heads before the final one. */
  readonly early: readonly ReadonlyMap<string, string>[];
  /** 0: it ended well, as far as the code says. */
  readonly errorCode: number;
  /** It came to its end. */
  readonly whole: boolean;
}

/** A client in a tunnel that speaks HTTP/2 alone, as gRPC does. */
export class Http2Client implements Disposable {
  readonly session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on("error", () => {});
  }

  static async open(lab: Lab, authority = "api.test:443"): Promise<Http2Client> {
    const conn = await lab.tunnel(authority, { protocols: ["h2"] });
    return new Http2Client(
      connect(`https://${authority.replace(/:443$/, "")}`, { createConnection: () => connectionDuplex(conn) }),
    );
  }

  /** Sends a request and waits for the end of its stream. */
  ask(headers: OutgoingHttpHeaders, body?: string | Uint8Array): Promise<StreamAnswer> {
    const stream = this.session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return answerOf(stream);
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

/** Gathers what a stream gives until it ends. */
export function answerOf(stream: ReturnType<ClientHttp2Session["request"]>): Promise<StreamAnswer> {
  let status: number | undefined;
  let fields: ReadonlyMap<string, string> = new Map();
  let trailers: ReadonlyMap<string, string> = new Map();
  const pieces: Uint8Array[] = [];
  const early: ReadonlyMap<string, string>[] = [];
  let ended = false;
  stream.on("headers", (headers) => early.push(mapOf(headers)));
  stream.on("end", () => ended = true);
  stream.on("response", (headers) => {
    status = headers[":status"];
    fields = mapOf(headers);
  });
  stream.on("trailers", (headers) => trailers = mapOf(headers));
  stream.on("data", (piece: Uint8Array) => pieces.push(piece));
  stream.on("error", () => {});
  return new Promise((resolve) =>
    stream.on("close", () =>
      resolve({
        status,
        fields,
        trailers,
        early,
        body: new Uint8Array(Buffer.concat(pieces)),
        errorCode: stream.rstCode ?? 0,
        whole: ended && status !== undefined && (stream.rstCode ?? 0) === 0 && !stream.aborted,
      }))
  );
}

function mapOf(headers: object): Map<string, string> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
