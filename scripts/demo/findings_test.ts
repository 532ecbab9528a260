import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Findings } from "./findings.ts";

const VALUE = "ghp_0123456789abcdef";

const table: [why: string, seen: string, failed: number][] = [
  ["nothing of the value", "kz_masked_0123456789abcdef0123456789abcdef", 0],
  ["the value", `GITHUB_TOKEN=${VALUE}`, 1],
  ["the value in base64", `"${Buffer.from(`Bearer ${VALUE}`).toString("base64")}"`, 1],
  ["the value in hex", Buffer.from(VALUE).toString("hex"), 1],
];
for (const [why, seen, failed] of table) {
  Deno.test(`Findings.search() in ${why}: ${failed} claims fail`, () => {
    const findings = new Findings();
    findings.saw("an answer", seen);
    findings.search({ TOKEN: VALUE });
    assert.equal(findings.claimCount, 1);
    assert.equal(findings.failed.length, failed);
    assert.ok(findings.failed.every((claim) => !claim.text.includes(VALUE)));
  });
}
