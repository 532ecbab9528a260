import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { LeafCertificate } from "../tls/certificate_authority.ts";

/** What a host of HTTP/2 does with a stream. */
export type AnswerStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A host that speaks HTTP/2 alone and remembers the heads that it was sent. */
export class Http2Host implements AsyncDisposable {
  readonly #server: Http2SecureServer;
  readonly #open = new Set<{ destroy(): void }>();
  readonly seen: IncomingHttpHeaders[] = [];
  /** How many connections it was asked for. */
  sessions = 0;

  private constructor(server: Http2SecureServer) {
    this.#server = server;
  }

  /** @param options `maxStreams`: of a connection at one time. */
  static async start(
    certificate: LeafCertificate,
    answer: AnswerStream,
    { maxStreams = 100 }: { maxStreams?: number | undefined } = {},
  ): Promise<Http2Host> {
    const server = createSecureServer({
      cert: certificate.certPem,
      key: certificate.keyPem,
      allowHTTP1: false,
      settings: { maxConcurrentStreams: maxStreams },
    });
    const host = new Http2Host(server);
    const open = host.#open;
    server.on("session", (session) => {
      host.sessions++;
      session.on("error", () => {});
    });
    server.on("secureConnection", (socket) => {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => open.delete(socket));
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      host.seen.push(headers);
      answer(stream, headers);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    return host;
  }

  /** How many connections are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Closes all connections without a word. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The host does not listen");
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
