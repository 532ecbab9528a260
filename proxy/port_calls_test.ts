import assert from "node:assert/strict";
import { Denial } from "../policy/server/denial.ts";
import { answerCalls, PortCaller } from "./port_calls.ts";

const isDenial = (code: string) => (error: unknown) => error instanceof Denial && error.code === code;

/** Both sides of a channel, with the number of messages that each got. */
function openPair(handle: (request: number, handOver: Transferable[]) => Promise<number>) {
  const { port1, port2 } = new MessageChannel();
  const stack = new DisposableStack();
  const counts = { calls: 0, replies: 0 };
  stack.use(answerCalls<number, number>(port2, handle));
  const caller = stack.use(new PortCaller<number, number>(port1));
  port1.addEventListener("message", () => counts.replies++);
  port2.addEventListener("message", () => counts.calls++);
  return { caller, counts, [Symbol.dispose]: () => stack.dispose() };
}

Deno.test("PortCaller.call() gives each call its own answer, in whatever order they come", async () => {
  const first = Promise.withResolvers<void>();
  using pair = openPair(async (request) => {
    if (request === 1) await first.promise;
    if (request === 2) throw new Denial("OVERLOADED");
    return request * 10;
  });
  const [one, two, three] = [pair.caller.call(1), pair.caller.call(2), pair.caller.call(3)];
  await assert.rejects(two, isDenial("OVERLOADED"));
  assert.equal(await three, 30);
  first.resolve();
  assert.equal(await one, 10);
});

Deno.test("PortCaller.call() sends the calls of one turn in one message, and gets their answers in one", async () => {
  using pair = openPair((request) => Promise.resolve(request));
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => pair.caller.call(index)));
  assert.deepEqual(answers, Array.from({ length: 100 }, (_, index) => index));
  assert.deepEqual(pair.counts, { calls: 1, replies: 1 });
});

Deno.test("answerCalls() answers what is ready, and does not wait for the rest of a message", async () => {
  using pair = openPair(async (request) => {
    if (request === 1) await new Promise(() => {});
    return request;
  });
  pair.caller.call(1).catch(() => {});
  assert.equal(await pair.caller.call(2), 2);
});

Deno.test("PortCaller.callWithPorts() gives each answer its own ports, of several in one message", async () => {
  using kept = new DisposableStack();
  using pair = openPair((request, handOver) => {
    const { port1, port2 } = new MessageChannel();
    kept.defer(() => port1.close());
    port1.postMessage(request);
    handOver.push(port2);
    return Promise.resolve(request);
  });
  const answered = await Promise.all([pair.caller.callWithPorts(1), pair.caller.callWithPorts(2)]);
  for (const { answer, ports } of answered) {
    const [port] = ports;
    const held = Promise.withResolvers<unknown>();
    port!.onmessage = ({ data }) => held.resolve(data);
    assert.equal(await held.promise, answer);
    port!.close();
  }
  assert.equal(pair.counts.replies, 1);
});

Deno.test("PortCaller denies calls that wait when its side is closed, and calls after that", async () => {
  using pair = openPair(() => new Promise(() => {}));
  const waiting = pair.caller.call(1);
  pair.caller[Symbol.dispose]();
  await assert.rejects(waiting, isDenial("INTERNAL"));
  await assert.rejects(pair.caller.call(2), isDenial("INTERNAL"));
});

Deno.test("answerCalls() hands buffers over without a copy", async () => {
  const { port1, port2 } = new MessageChannel();
  const given = new Uint8Array([1, 2, 3]);
  using _ = answerCalls<null, Uint8Array>(port2, (_, handOver) => {
    handOver.push(given.buffer);
    return Promise.resolve(given);
  });
  using caller = new PortCaller<null, Uint8Array>(port1);
  const { answer, ports } = await caller.callWithPorts(null);
  assert.deepEqual([...answer], [1, 2, 3]);
  assert.deepEqual(ports, []);
  assert.equal(given.length, 0);
});
