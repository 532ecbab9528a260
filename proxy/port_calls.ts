import { Denial, fromWireDenial, toWireDenial, type WireDenial } from "../policy/server/denial.ts";

// Calls from one worker to another over a `MessagePort`: the server's workers know each other by ports alone.
//
// A message costs each side some 20 µs, whatever it holds. So calls that are made in one turn of the event loop go over
// in one message, and so do the answers: those to the lines of the audit log that were written together, for example.

interface Call<Request> {
  readonly id: number;
  readonly request: Request;
}

type Reply<Answer> =
  | { readonly id: number; readonly answer: Answer; readonly ports: readonly MessagePort[] }
  | { readonly id: number; readonly denial: WireDenial };

/** An answer, with ports that go over with it. */
export interface Answered<Answer> {
  readonly answer: Answer;
  readonly ports: readonly MessagePort[];
}

/** The calling side. The port belongs to it. */
export class PortCaller<Request, Answer> implements Disposable {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answered<Answer>>>();
  readonly #outbox: Outbox<Call<Request>>;
  #next = 0;
  #isClosed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#outbox = new Outbox(port);
    port.onmessage = ({ data }: MessageEvent<readonly Reply<Answer>[]>) => {
      for (const reply of data) this.#settle(reply);
    };
  }

  #settle(reply: Reply<Answer>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting === undefined) return;
    if ("denial" in reply) waiting.reject(fromWireDenial(reply.denial));
    else waiting.resolve(reply);
  }

  /** @throws {Denial} what the other side threw; `INTERNAL` once this side is closed. */
  async call(request: Request): Promise<Answer> {
    return (await this.callWithPorts(request)).answer;
  }

  /** The same, for answers that bring ports. */
  callWithPorts(request: Request): Promise<Answered<Answer>> {
    if (this.#isClosed) return Promise.reject(ended());
    const id = this.#next++;
    const waiting = Promise.withResolvers<Answered<Answer>>();
    this.#waiting.set(id, waiting);
    this.#outbox.add({ id, request }, []);
    return waiting.promise;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#port.close();
    for (const waiting of this.#waiting.values()) waiting.reject(ended());
    this.#waiting.clear();
  }
}

/**
 * The answering side. What `handle` throws goes back as a denial.
 *
 * @param handle Puts into `handOver` what becomes the other side's: ports that go over with the answer, and buffers of the
 * answer, which are then not copied.
 * @param options `onFault`: told of what was thrown and is no denial, which the other side only hears of as `INTERNAL`.
 */
export function answerCalls<Request, Answer>(
  port: MessagePort,
  handle: (request: Request, handOver: Transferable[]) => Promise<Answer>,
  { onFault }: { readonly onFault?: (thrown: unknown) => void } = {},
): Disposable {
  const outbox = new Outbox<Reply<Answer>>(port);
  const answer = async ({ id, request }: Call<Request>): Promise<void> => {
    const handOver: Transferable[] = [];
    let reply: Reply<Answer>;
    try {
      const answer = await handle(request, handOver);
      reply = { id, answer, ports: handOver.filter((one) => one instanceof MessagePort) };
    } catch (error) {
      if (!(error instanceof Denial)) onFault?.(error);
      reply = { id, denial: toWireDenial(error) };
    }
    outbox.add(reply, "answer" in reply ? handOver : []);
  };
  port.onmessage = ({ data }: MessageEvent<readonly Call<Request>[]>) => {
    for (const call of data) void answer(call);
  };
  return { [Symbol.dispose]: () => port.close() };
}

/** Sends what is added in one turn as one message, in order. */
class Outbox<T> {
  readonly #port: MessagePort;
  #items: T[] = [];
  #handOver: Transferable[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  add(item: T, handOver: readonly Transferable[]): void {
    if (this.#items.push(item) === 1) queueMicrotask(() => this.#send());
    this.#handOver.push(...handOver);
  }

  #send(): void {
    const [items, handOver] = [this.#items, this.#handOver];
    this.#items = [];
    this.#handOver = [];
    this.#port.postMessage(items, handOver);
  }
}

function ended() {
  return fromWireDenial({ code: "INTERNAL", detail: "the other side has ended", policy: undefined });
}
