import { closeQuietly } from "../close_quietly.ts";
import { concatAll } from "../concat.ts";
import type { ByteSource } from "../http/byte_reader.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import type { ByteSink } from "../write_all.ts";
import { ControlBudget, costsUs } from "./control_budget.ts";
import {
  FLAG,
  FRAME,
  type Frame,
  frameBytes,
  INITIAL_WINDOW,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  PREFACE,
  readUint32,
  SETTING,
  uint32,
  withoutPadding,
} from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import { HeaderBlocks, type Section } from "./header_blocks.ts";
import { encodeBlock } from "./hpack/encode.ts";
import { ERROR_CODES, Http2Error, type Http2ErrorCode } from "./http2_error.ts";
import { Http2Stream, type StreamOwner } from "./http2_stream.ts";

/** Credit is given back in parts of this size: a frame for each piece would be many. */
const CREDIT_BYTES = 16 * 1024;

const EMPTY = new Uint8Array(0);

/** What frames come and go on. */
export interface ByteConnection extends ByteSource, ByteSink {
  close(): void;
}

/** The first header section of a stream; `raw` is absent if it is too large. */
export interface StreamHead {
  readonly raw: readonly string[] | undefined;
  readonly ended: boolean;
}

export interface Http2Options {
  /** Takes what a client opens; absent: this side is the client. */
  readonly onStream?: (stream: Http2Stream, head: StreamHead) => void;
}

/**
 * One HTTP/2 connection, from either side: frames, header blocks, streams and windows. What a message may hold is for who
 * reads it.
 *
 * Whatever breaks the protocol ends the connection; nothing is guessed (RFC 9113 §5.4.1).
 *
 * @see RFC 9113
 */
export class Http2Connection implements StreamOwner {
  readonly #conn: ByteConnection;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #onStream: Http2Options["onStream"];
  readonly #streams = new Map<number, Http2Stream>();
  readonly #blocks = new HeaderBlocks(() => this.close());
  readonly #control = new ControlBudget();
  #lastRemote = 0;
  #lastLocal: number;
  #sendWindow = INITIAL_WINDOW;
  #receiveWindow = INITIAL_WINDOW;
  #owed = 0;
  #peerInitialWindow = INITIAL_WINDOW;
  #peerMaxStreams: number = LIMITS.http2Streams;
  #hasSettings = false;
  #isGoing = false;
  #isClosed = false;
  #windowWaiters: (() => void)[] = [];
  readonly #settled = Promise.withResolvers<void>();
  /** The peer has said what it takes, or has gone. Never rejected. */
  readonly settled: Promise<void> = this.#settled.promise;
  /** All has ended. Never rejected. */
  readonly ended: Promise<void>;

  /** @param conn Belongs to the connection from now on. */
  constructor(conn: ByteConnection, { onStream }: Http2Options = {}) {
    this.#conn = conn;
    this.#reader = new FrameReader(conn);
    this.#writer = new FrameWriter(conn, () => this.close());
    this.#onStream = onStream;
    this.#lastLocal = onStream === undefined ? -1 : 0;
    this.ended = this.#run();
  }

  /** How many streams the peer takes at one time; none once it goes. */
  get room(): number {
    return this.#isGoing || this.#isClosed ? 0 : this.#peerMaxStreams;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Opens a stream with a request's head; for the client's side. */
  open(raw: readonly string[], options: { end: boolean }): Http2Stream {
    this.#lastLocal += 2;
    const stream = this.#newStream(this.#lastLocal);
    if (this.#isClosed) stream.fail();
    else stream.sendHeaders(raw, options).catch((error) => stream.fail(error));
    return stream;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#blocks.close();
    closeQuietly(this.#conn);
    for (const stream of [...this.#streams.values()]) stream.fail();
    this.#rouseWindows();
    this.#settled.resolve();
  }

  async #run(): Promise<void> {
    try {
      if (this.#onStream === undefined) void this.#writer.bytes(encodeLatin1(PREFACE));
      void this.#writer.frame({ type: FRAME.settings, flags: 0, stream: 0, payload: this.#ownSettings() });
      if (this.#onStream !== undefined) await this.#reader.readPreface();
      for (;;) {
        const frame = await this.#reader.next();
        if (frame === undefined) break;
        await this.#handle(frame);
      }
    } catch (error) {
      if (error instanceof Http2Error) await this.#sayGoaway(error.code);
    } finally {
      this.close();
    }
  }

  #ownSettings(): Uint8Array {
    const settings: readonly (readonly [id: number, value: number])[] = [
      [SETTING.maxConcurrentStreams, LIMITS.http2Streams],
      [SETTING.maxHeaderListSize, LIMITS.headBytes],
      ...this.#onStream === undefined ? [[SETTING.enablePush, 0] as const] : [],
    ];
    return concatAll(settings.map(([id, value]) => Uint8Array.of(id >> 8, id, ...uint32(value))));
  }

  async #handle(frame: Frame): Promise<void> {
    this.#blocks.assertFits(frame);
    if (!this.#hasSettings && (frame.type !== FRAME.settings || (frame.flags & FLAG.ack) !== 0)) {
      throw new Http2Error("PROTOCOL_ERROR");
    }
    if (costsUs(frame) && !this.#control.spend()) throw new Http2Error("ENHANCE_YOUR_CALM");
    switch (frame.type) {
      case FRAME.data:
        return this.#onData(frame);
      case FRAME.headers:
        return this.#onSection(this.#blocks.begin(frame));
      case FRAME.continuation:
        return this.#onSection(this.#blocks.goOn(frame));
      case FRAME.rstStream:
        return this.#onReset(frame);
      case FRAME.settings:
        return await this.#onSettings(frame);
      case FRAME.ping:
        return await this.#onPing(frame);
      case FRAME.goaway:
        return this.#onGoaway(frame);
      case FRAME.windowUpdate:
        return this.#onWindowUpdate(frame);
      case FRAME.priority:
        if (frame.payload.length !== 5) throw new Http2Error("FRAME_SIZE_ERROR");
        if (frame.stream === 0) throw new Http2Error("PROTOCOL_ERROR");
        return;
      case FRAME.pushPromise:
        // We said that we take none; a client may not promise at all.
        throw new Http2Error("PROTOCOL_ERROR");
      default:
        // What we do not know is passed over (§4.1).
        return;
    }
  }

  #onData(frame: Frame): void {
    const { stream: id, flags, payload } = frame;
    const piece = withoutPadding(frame);
    if (id === 0 || this.#isIdle(id)) throw new Http2Error("PROTOCOL_ERROR");
    if ((this.#receiveWindow -= payload.length) < 0) throw new Http2Error("FLOW_CONTROL_ERROR");
    const stream = this.#streams.get(id);
    // Of a stream that has ended: on its way when we ended it.
    if (stream === undefined) return this.#giveBack(payload.length);
    if (stream.remoteEnded) throw new Http2Error("STREAM_CLOSED");
    if ((stream.receiveWindow -= payload.length) < 0) throw new Http2Error("FLOW_CONTROL_ERROR");
    const padding = payload.length - piece.length;
    if (padding > 0) this.returnCredit(stream, padding);
    if (this.#onStream === undefined && !stream.isAnswered) throw new Http2Error("PROTOCOL_ERROR");
    if (!stream.receive(piece)) {
      this.#giveBack(piece.length);
      return stream.reset("PROTOCOL_ERROR");
    }
    if ((flags & FLAG.endStream) !== 0 && !stream.receiveEnd({ isWhole: true })) stream.reset("PROTOCOL_ERROR");
  }

  /** Takes a whole one, also of a stream that has ended: it was read, since what comes next may refer to it. */
  #onSection(section: Section | undefined): void {
    if (section === undefined) return;
    const { stream: id, raw, ended } = section;
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      if (stream.remoteEnded) throw new Http2Error("STREAM_CLOSED");
      if (raw === undefined) return stream.reset("ENHANCE_YOUR_CALM");
      if (this.#onStream === undefined && !stream.isAnswered) return this.#onAnswer(stream, raw, ended);
      // Trailers end a message (§8.1).
      if (!ended) throw new Http2Error("PROTOCOL_ERROR");
      stream.trailers = raw;
      if (!stream.receiveEnd({ isWhole: true })) stream.reset("PROTOCOL_ERROR");
      return;
    }
    if (!this.#isIdle(id)) return;
    if (this.#onStream === undefined || id % 2 === 0) throw new Http2Error("PROTOCOL_ERROR");
    this.#lastRemote = id;
    const opened = this.#newStream(id);
    if (this.#streams.size > LIMITS.http2Streams) {
      if (!this.#control.spend()) throw new Http2Error("ENHANCE_YOUR_CALM");
      return opened.reset("REFUSED_STREAM");
    }
    opened.expectBody(raw ?? []);
    if (ended && !opened.receiveEnd({ isWhole: true })) return opened.reset("PROTOCOL_ERROR");
    this.#onStream(opened, { raw, ended });
  }

  #onAnswer(stream: Http2Stream, raw: readonly string[], ended: boolean): void {
    // Informational answers come before the final one, and tell nothing that is passed on. Another protocol cannot be
    // agreed on (§8.6).
    if (raw[0] === ":status" && /^1\d\d$/.test(raw[1] ?? "")) {
      if (ended || raw[1] === "101") return stream.reset("PROTOCOL_ERROR");
      if (!this.#control.spend()) throw new Http2Error("ENHANCE_YOUR_CALM");
      return;
    }
    stream.isAnswered = true;
    if (!ended) stream.expectBody(raw);
    stream.answered.resolve({ raw, ended });
    if (ended) stream.receiveEnd({ isWhole: false });
  }

  #onReset({ stream: id, payload }: Frame): void {
    if (payload.length !== 4) throw new Http2Error("FRAME_SIZE_ERROR");
    if (id === 0 || this.#isIdle(id)) throw new Http2Error("PROTOCOL_ERROR");
    this.#streams.get(id)?.fail();
  }

  async #onSettings({ stream, flags, payload }: Frame): Promise<void> {
    if (stream !== 0) throw new Http2Error("PROTOCOL_ERROR");
    const isAck = (flags & FLAG.ack) !== 0;
    if (payload.length % 6 !== 0 || (isAck && payload.length > 0)) throw new Http2Error("FRAME_SIZE_ERROR");
    if (isAck) return;
    this.#hasSettings = true;
    for (let at = 0; at < payload.length; at += 6) {
      this.#onSetting(payload[at]! << 8 | payload[at + 1]!, readUint32(payload, at + 2));
    }
    this.#settled.resolve();
    await this.#writer.frame({ type: FRAME.settings, flags: FLAG.ack, stream: 0, payload: EMPTY });
  }

  #onSetting(id: number, value: number): void {
    switch (id) {
      case SETTING.enablePush:
        if (value > 1 || (value === 1 && this.#onStream === undefined)) throw new Http2Error("PROTOCOL_ERROR");
        return;
      case SETTING.maxConcurrentStreams:
        this.#peerMaxStreams = Math.min(value, LIMITS.http2Streams);
        return;
      case SETTING.initialWindowSize: {
        if (value > MAX_WINDOW) throw new Http2Error("FLOW_CONTROL_ERROR");
        const change = value - this.#peerInitialWindow;
        this.#peerInitialWindow = value;
        for (const stream of this.#streams.values()) {
          stream.sendWindow += change;
          if (stream.sendWindow > MAX_WINDOW) throw new Http2Error("FLOW_CONTROL_ERROR");
        }
        return this.#rouseWindows();
      }
      case SETTING.maxFrameSize:
        if (value < MAX_FRAME_BYTES || value > 2 ** 24 - 1) throw new Http2Error("PROTOCOL_ERROR");
        return;
    }
  }

  async #onPing({ stream, flags, payload }: Frame): Promise<void> {
    if (payload.length !== 8) throw new Http2Error("FRAME_SIZE_ERROR");
    if (stream !== 0) throw new Http2Error("PROTOCOL_ERROR");
    if ((flags & FLAG.ack) === 0) await this.#writer.frame({ type: FRAME.ping, flags: FLAG.ack, stream: 0, payload });
  }

  #onGoaway({ stream: id, payload }: Frame): void {
    if (id !== 0) throw new Http2Error("PROTOCOL_ERROR");
    if (payload.length < 8) throw new Http2Error("FRAME_SIZE_ERROR");
    this.#isGoing = true;
    if (this.#onStream !== undefined) return;
    // Streams up to the last one are still answered; those after it nobody has looked at (§6.8).
    const last = readUint32(payload) & 0x7fff_ffff;
    for (const stream of [...this.#streams.values()]) if (stream.id > last) stream.fail();
    this.#closeIfGone();
  }

  #onWindowUpdate({ stream: id, payload }: Frame): void {
    if (payload.length !== 4) throw new Http2Error("FRAME_SIZE_ERROR");
    const more = readUint32(payload) & 0x7fff_ffff;
    if (more === 0) throw new Http2Error("PROTOCOL_ERROR");
    if (id === 0) {
      this.#sendWindow += more;
      if (this.#sendWindow > MAX_WINDOW) throw new Http2Error("FLOW_CONTROL_ERROR");
    } else {
      if (this.#isIdle(id)) throw new Http2Error("PROTOCOL_ERROR");
      const stream = this.#streams.get(id);
      if (stream === undefined) return;
      stream.sendWindow += more;
      if (stream.sendWindow > MAX_WINDOW) return stream.reset("FLOW_CONTROL_ERROR");
    }
    this.#rouseWindows();
  }

  /** Whether nobody has opened a stream yet (§5.1.1). */
  #isIdle(id: number): boolean {
    const isLocal = id % 2 === 1 ? this.#onStream === undefined : this.#onStream !== undefined;
    return id > (isLocal ? this.#lastLocal : this.#lastRemote);
  }

  #newStream(id: number): Http2Stream {
    const stream = new Http2Stream(id, this, { send: this.#peerInitialWindow, receive: INITIAL_WINDOW });
    this.#streams.set(id, stream);
    return stream;
  }

  sendHeaders({ id }: Http2Stream, raw: readonly string[], { end }: { end: boolean }): Promise<void> {
    const block = encodeBlock(raw);
    const frames: Uint8Array[] = [];
    for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME_BYTES) {
      const isLast = at + MAX_FRAME_BYTES >= block.length;
      frames.push(frameBytes({
        type: at === 0 ? FRAME.headers : FRAME.continuation,
        flags: (isLast ? FLAG.endHeaders : 0) | (end && at === 0 ? FLAG.endStream : 0),
        stream: id,
        payload: block.subarray(at, at + MAX_FRAME_BYTES),
      }));
    }
    return this.#writer.bytes(concatAll(frames));
  }

  async sendData(stream: Http2Stream, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const size = Math.min(bytes.length - at, MAX_FRAME_BYTES, stream.sendWindow, this.#sendWindow);
      if (this.#isClosed || stream.isClosed) {
        throw new Deno.errors.ConnectionReset("Cannot write: the stream was reset");
      }
      if (size <= 0) {
        await new Promise<void>((resolve) => this.#windowWaiters.push(resolve));
        continue;
      }
      stream.sendWindow -= size;
      this.#sendWindow -= size;
      const payload = bytes.subarray(at, at + size);
      await this.#writer.frame({ type: FRAME.data, flags: 0, stream: stream.id, payload });
      at += size;
    }
  }

  sendEnd({ id }: Http2Stream): Promise<void> {
    return this.#writer.frame({ type: FRAME.data, flags: FLAG.endStream, stream: id, payload: EMPTY });
  }

  sendReset({ id }: Http2Stream, code: Http2ErrorCode): void {
    void this.#writer.frame({ type: FRAME.rstStream, flags: 0, stream: id, payload: uint32(ERROR_CODES[code]) });
  }

  returnCredit(stream: Http2Stream, bytes: number): void {
    stream.owed += bytes;
    if (stream.owed >= CREDIT_BYTES && !stream.remoteEnded && !stream.isClosed) {
      stream.receiveWindow += stream.owed;
      this.#sendWindowUpdate(stream.id, stream.owed);
      stream.owed = 0;
    }
    this.#giveBack(bytes);
  }

  #giveBack(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < CREDIT_BYTES) return;
    this.#receiveWindow += this.#owed;
    this.#sendWindowUpdate(0, this.#owed);
    this.#owed = 0;
  }

  #sendWindowUpdate(stream: number, bytes: number): void {
    void this.#writer.frame({ type: FRAME.windowUpdate, flags: 0, stream, payload: uint32(bytes) });
  }

  forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#rouseWindows();
    this.#closeIfGone();
  }

  /** A host that goes is left when its last answer has come. */
  #closeIfGone(): void {
    if (this.#isGoing && this.#onStream === undefined && this.#streams.size === 0) this.close();
  }

  #rouseWindows(): void {
    for (const wake of this.#windowWaiters.splice(0)) wake();
  }

  /** Says why the connection ends, if the peer reads it in time. */
  async #sayGoaway(code: Http2ErrorCode): Promise<void> {
    const payload = concatAll([uint32(this.#lastRemote), uint32(ERROR_CODES[code])]);
    const said = this.#writer.frame({ type: FRAME.goaway, flags: 0, stream: 0, payload }).catch(() => {});
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, LIMITS.drainMs));
    await Promise.race([said, late]);
    clearTimeout(timer);
  }
}
