import { fromWireDenial, toWireDenial, type WireDenial } from "../policy/server/denial.ts";

// Calls from one worker to another over a `MessagePort`: the server's workers know each other by ports alone.

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
  #next = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<Reply<Answer>>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (waiting === undefined) return;
      if ("denial" in data) waiting.reject(fromWireDenial(data.denial));
      else waiting.resolve(data);
    };
  }

  /** @throws {Denial} what the other side threw; `INTERNAL` once this side is closed. */
  async call(request: Request): Promise<Answer> {
    return (await this.callWithPorts(request)).answer;
  }

  /** The same, for answers that bring ports. */
  callWithPorts(request: Request): Promise<Answered<Answer>> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<Answered<Answer>>();
    this.#waiting.set(id, waiting);
    const call: Call<Request> = { id, request };
    this.#port.postMessage(call);
    return waiting.promise;
  }

  [Symbol.dispose](): void {
    this.#port.close();
    for (const waiting of this.#waiting.values()) {
      waiting.reject(fromWireDenial({ code: "INTERNAL", detail: "the other side has ended", policy: undefined }));
    }
    this.#waiting.clear();
  }
}

/**
 * The answering side. What `handle` throws goes back as a denial.
 *
 * @param handle Puts ports that go over with the answer into `ports`.
 */
export function answerCalls<Request, Answer>(
  port: MessagePort,
  handle: (request: Request, ports: MessagePort[]) => Promise<Answer>,
): Disposable {
  port.onmessage = async ({ data: { id, request } }: MessageEvent<Call<Request>>) => {
    const ports: MessagePort[] = [];
    let reply: Reply<Answer>;
    try {
      reply = { id, answer: await handle(request, ports), ports };
    } catch (error) {
      reply = { id, denial: toWireDenial(error) };
    }
    port.postMessage(reply, "answer" in reply ? ports : []);
  };
  return { [Symbol.dispose]: () => port.close() };
}
