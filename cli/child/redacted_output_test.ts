import assert from "node:assert/strict";
import type { StreamScrubber } from "../../policy/stream_scrubber.ts";
import { type ByteSink, passRedacted } from "./redacted_output.ts";
import { exactScrubber } from "./testdata/exact_scrubber.ts";

const CANARY = "canary-5f0c9e";
const NEVER = new AbortController().signal;
const warn = (line: string) => assert.fail(`unexpected: ${line}`);
const bytes = (text: string) => new TextEncoder().encode(text);

/** Collects what is written, at most `atOnce` bytes a call. */
class Collector implements ByteSink {
  text = "";
  readonly #atOnce: number;
  constructor(atOnce = Infinity) {
    this.#atOnce = atOnce;
  }
  write(chunk: Uint8Array): Promise<number> {
    const taken = chunk.subarray(0, this.#atOnce);
    this.text += new TextDecoder().decode(taken);
    return Promise.resolve(taken.length);
  }
}

const streams: readonly [why: string, chunks: readonly string[], expected: string][] = [
  ["an empty stream", [], ""],
  ["plain text", ["one\n", "two\n"], "one\ntwo\n"],
  ["a value in one write", [`a ${CANARY} b`], "a [redacted] b"],
  ["a value in two writes", [`a ${CANARY.slice(0, 5)}`, `${CANARY.slice(5)} b`], "a [redacted] b"],
  ["a value byte by byte", [...`a ${CANARY}`], "a [redacted]"],
  ["a value at the end", ["a ", CANARY], "a [redacted]"],
  ["the beginning of a value at the end", ["a cana"], "a cana"],
  ["two values in a row", [CANARY + CANARY], "[redacted][redacted]"],
];

for (const [why, chunks, expected] of streams) {
  for (const atOnce of [Infinity, 3]) {
    Deno.test(`passRedacted() passes ${why}, ${atOnce} bytes a write`, async () => {
      const sink = new Collector(atOnce);
      await passRedacted(ReadableStream.from(chunks.map(bytes)), exactScrubber([CANARY]), {
        sink,
        signal: NEVER,
        warn,
      });
      assert.equal(sink.text, expected);
    });
  }
}

Deno.test("passRedacted() writes at once what begins no value, and holds what does", async () => {
  const sink = new Collector();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const passing = passRedacted(readable, exactScrubber([CANARY]), { sink, signal: NEVER, warn });
  const writer = writable.getWriter();
  await writer.write(bytes("Name? canary-"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(sink.text, "Name? ");
  await writer.write(bytes("5f0c9e!"));
  await writer.close();
  await passing;
  assert.equal(sink.text, "Name? [redacted]!");
});

Deno.test("passRedacted() reads no further while the sink is full", async () => {
  let pulled = 0;
  const gate = Promise.withResolvers<void>();
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1;
      if (pulled > 50) controller.close();
      else controller.enqueue(bytes("x"));
    },
  });
  const sink: ByteSink = { write: (chunk) => gate.promise.then(() => chunk.length) };
  const passing = passRedacted(source, exactScrubber([CANARY]), { sink, signal: NEVER, warn });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(pulled <= 2, `${pulled} chunks were read`);
  gate.resolve();
  await passing;
  assert.equal(pulled, 51);
});

Deno.test("passRedacted() tries a full non-blocking sink again", async () => {
  const inner = new Collector();
  let calls = 0;
  const sink: ByteSink = {
    write: (chunk) => ++calls % 2 === 1 ? Promise.reject(new Deno.errors.WouldBlock()) : inner.write(chunk),
  };
  await passRedacted(ReadableStream.from([bytes("one"), bytes("two")]), exactScrubber([CANARY]), {
    sink,
    signal: NEVER,
    warn,
  });
  assert.equal(inner.text, "onetwo");
});

Deno.test("passRedacted() closes the source when the sink's reader is gone", async () => {
  let isCancelled = false;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes("y\n")),
    cancel: () => void (isCancelled = true),
  });
  const sink: ByteSink = { write: () => Promise.reject(new Deno.errors.BrokenPipe()) };
  await passRedacted(source, exactScrubber([CANARY]), { sink, signal: NEVER, warn });
  assert.ok(isCancelled);
});

Deno.test("passRedacted() closes the source and says so when the sink fails otherwise", async () => {
  let isCancelled = false;
  const lines: string[] = [];
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes(CANARY)),
    cancel: () => void (isCancelled = true),
  });
  const sink: ByteSink = { write: () => Promise.reject(new Error("no space")) };
  await passRedacted(source, exactScrubber([CANARY]), { sink, signal: NEVER, warn: (line) => lines.push(line) });
  assert.ok(isCancelled);
  assert.deepEqual(lines, ["warning: the output cannot be written any more"]);
});

Deno.test("passRedacted() writes nothing more when the scrubber fails", async () => {
  let isCancelled = false;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes(CANARY)),
    cancel: () => void (isCancelled = true),
  });
  const sink = new Collector();
  const broken: StreamScrubber = {
    push: () => {
      throw new RangeError("broken");
    },
    flush: () => bytes(CANARY),
    pending: 0,
  };
  await assert.rejects(passRedacted(source, broken, { sink, signal: NEVER, warn }), RangeError);
  assert.equal(sink.text, "");
  assert.ok(isCancelled);
});

Deno.test("passRedacted() ends when it is aborted, and gives out what was held", async () => {
  const sink = new Collector();
  const abort = new AbortController();
  const source = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes("a cana")) });
  const passing = passRedacted(source, exactScrubber([CANARY]), { sink, signal: abort.signal, warn });
  await new Promise((resolve) => setTimeout(resolve, 10));
  abort.abort();
  await passing;
  assert.equal(sink.text, "a cana");
});
