import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { LIMITS } from "../../proxy/limits.ts";
import { RefusalLog } from "./refusal_log.ts";

function openLog() {
  const clock = { now: 0 };
  const lines: string[] = [];
  const log = new RefusalLog((line) => lines.push(line), () => clock.now);
  const refuse = (host: string) => log.report("POLICY_HOST_DENIED", { host: parseHost(host) });
  return { clock, lines, refuse };
}

Deno.test("RefusalLog tells one refusal once in a while", () => {
  const { clock, lines, refuse } = openLog();
  refuse("a.test");
  clock.now = LIMITS.refusalQuietMs - 1;
  refuse("a.test");
  assert.equal(lines.length, 1);
  clock.now = LIMITS.refusalQuietMs;
  refuse("a.test");
  assert.equal(lines.length, 2);
});

Deno.test("TM-24 RefusalLog counts what a program that tries ever new hosts is refused", () => {
  const { clock, lines, refuse } = openLog();
  for (let at = 0; at < 10_000; at++) refuse(`h${at}.test`);
  assert.equal(lines.length, LIMITS.refusalsTold);
  clock.now = LIMITS.refusalQuietMs;
  refuse("last.test");
  assert.equal(
    lines.at(-2),
    `kz: left out ${10_000 - LIMITS.refusalsTold} more lines, of too many kinds to tell them all`,
  );
  assert.match(lines.at(-1)!, /last\.test/);
});
