import { closeQuietly } from "../close_quietly.ts";
import type { LeafCertificate } from "../tls/certificate_authority.ts";
import { END_STREAM, FRAME, PREFACE, RawHttp2, settings } from "./raw_http2.ts";

/**
 * What a host does with a request that has come whole.
 *
 * @param at How many requests it has had before, over all connections.
 */
export type AnswerRaw = (peer: RawHttp2, stream: number, at: number) => Promise<void> | void;

/** A host that speaks HTTP/2 in frames as they are given, whatever is wrong with them. */
export class RawHttp2Host implements AsyncDisposable {
  /** How many connections it was asked for. */
  connections = 0;
  /** How many streams were begun. */
  streams = 0;
  readonly #listener: Deno.TlsListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #work = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(certificate: LeafCertificate, answer: AnswerRaw) {
    this.#listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: certificate.certPem,
      key: certificate.keyPem,
      alpnProtocols: ["h2"],
    });
    this.#accepting = this.#accept(answer);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(answer: AnswerRaw): Promise<void> {
    for (;;) {
      const conn = await this.#listener.accept().catch(() => undefined);
      if (conn === undefined) return;
      this.connections++;
      this.#open.add(conn);
      this.#track(this.#serve(conn, answer).finally(() => closeQuietly(conn)));
    }
  }

  async #serve(conn: Deno.Conn, answer: AnswerRaw): Promise<void> {
    const peer = new RawHttp2(conn, Infinity);
    await peer.skip(PREFACE.length);
    await peer.send(settings());
    for (let frame = await peer.next(); frame !== undefined; frame = await peer.next()) {
      const { type, flags, stream } = frame;
      if (type === FRAME.headers) this.streams++;
      const isEnd = (type === FRAME.headers || type === FRAME.data) && (flags & END_STREAM) !== 0;
      // Frames are read on while it answers.
      if (isEnd) this.#track(Promise.resolve(answer(peer, stream, this.streams - 1)));
    }
  }

  #track(work: Promise<void>): void {
    // A peer that goes away, at any moment, is no event.
    const done = work.catch(() => {}).finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeQuietly(this.#listener);
    for (const conn of this.#open) closeQuietly(conn);
    await Promise.allSettled([this.#accepting, ...this.#work]);
  }
}
