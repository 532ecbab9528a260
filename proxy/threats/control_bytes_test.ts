import assert from "node:assert/strict";
import { CANARY, CLOSE, openLab } from "../testing/lab.ts";

const BYTES: readonly (readonly [why: string, char: string, sendable: boolean])[] = [
  ["CR LF and a field", `\r\nX-Planted: 1`, false],
  ["CR", "\r", false],
  ["LF", "\n", false],
  ["NUL", "\0", false],
  ["BEL", "\x07", false],
  ["ESC", "\x1b", false],
  ["the last control byte", "\x1f", false],
  ["DEL", "\x7f", false],
  ["a tab", "\t", true],
  ["a space", " ", true],
  ["a letter above ASCII", "é", true],
];

for (const [why, char, sendable] of BYTES) {
  for (const [place, field] of [["a header", plainField], ["Basic", basicField]] as const) {
    Deno.test(`TM-22 a value with ${why} ${sendable ? "stands in" : "is kept out of"} ${place}`, async () => {
      const value = `${CANARY}${char}end`;
      await using lab = await openLab({ value });
      const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\n${field(lab.token)}${CLOSE}\r\n`);
      if (sendable) {
        assert.match(answer, /^HTTP\/1\.1 200 /);
        const bytes = String.fromCharCode(...new TextEncoder().encode(value));
        const sent = /^X-Key: (.*)\r$|^Authorization: Basic (.*)\r$/m.exec(lab.upstream.requests[0]!)!;
        assert.equal(sent[1] ?? atob(sent[2]!), sent[1] === undefined ? `user:${bytes}` : bytes);
        return;
      }
      assert.match(answer, /^HTTP\/1\.1 403 /);
      assert.match(answer, /"PROXY_VALUE_UNSENDABLE"/);
      assert.equal(lab.upstream.received, "");
      assert.equal(lab.refusals[0]?.facts.secret, "API_TOKEN");
      assert.ok(!answer.includes(CANARY) && !JSON.stringify(lab.refusals).includes(CANARY));
    });
  }
}

function plainField(token: string): string {
  return `X-Key: ${token}\r\n`;
}

function basicField(token: string): string {
  return `Authorization: Basic ${btoa(`user:${token}`)}\r\n`;
}
