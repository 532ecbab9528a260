import assert from "node:assert/strict";
import { PidLineFilter, quoted } from "./terminal_session.ts";
import { exactScrubber } from "./testdata/exact_scrubber.ts";

const WINDOWS = Deno.build.os === "windows";
const CANARY = "canary-5f0c9e";

const words: readonly [why: string, word: string][] = [
  ["an empty word", ""],
  ["spaces", " a  b "],
  ["single quotes", "it's 'so'"],
  ["a single quote alone", "'"],
  ["double quotes", '"x"'],
  ["dollars and backquotes", "$HOME $(id) `id` ${x}"],
  ["backslashes", "\\ \\\\ \\n \\'"],
  ["line breaks and tabs", "a\nb\r\n\tc\n"],
  ["globs, tilde and history", "* ? [a] ~ !! {a,b}"],
  ["operators", "; & | < > ( ) #"],
  ["non-ASCII", "é ✓ 𝒌 日本語"],
  ["control bytes", "\u0001\u001b[31m\u007f"],
  ["an option", "-n"],
];

for (const [why, word] of words) {
  Deno.test({
    name: `quoted() keeps ${why}`,
    ignore: WINDOWS,
    async fn() {
      const { stdout } = await new Deno.Command("/bin/sh", { args: ["-c", `printf %s ${quoted(word)}`] }).output();
      assert.deepEqual(stdout, new TextEncoder().encode(word));
    },
  });
}

const outputs: readonly [why: string, chunks: readonly string[], pid: number | undefined, text: string][] = [
  ["takes the line of a terminal", ["123\r\nout"], 123, "out"],
  ["takes the line of a pipe", ["123\nout"], 123, "out"],
  ["takes a line in pieces", ["1", "23\r", "\n", "out"], 123, "out"],
  ["takes one line only", ["123\r\n456\r\n"], 123, "456\r\n"],
  ["hands the rest to the scrubber", ["123\r\na ", CANARY], 123, "a [redacted]"],
  ["drops what begins otherwise", ["script: no terminal\r\n", "7\r\n"], undefined, ""],
  ["drops a line that is too long", ["1234567890123\r\nout"], undefined, ""],
  ["drops a line without an end", ["123"], undefined, ""],
  ["passes nothing", [], undefined, ""],
];

for (const [why, chunks, pid, text] of outputs) {
  Deno.test(`PidLineFilter ${why}`, () => {
    const filter = new PidLineFilter(exactScrubber([CANARY]));
    const decoder = new TextDecoder();
    let out = "";
    for (const chunk of chunks) out += decoder.decode(filter.push(new TextEncoder().encode(chunk)));
    out += decoder.decode(filter.flush());
    assert.equal(filter.pid, pid);
    assert.equal(out, text);
  });
}
