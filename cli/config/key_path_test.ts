import assert from "node:assert/strict";
import { formatKeyPath, isHarmlessKey } from "./key_path.ts";

const HARMLESS: [why: string, key: string, expected: boolean][] = [
  ["a known key", "provider", true],
  ["a secret's name", "AWS_SECRET_ACCESS_KEY", true],
  ["a short name with a digit", "s3-bucket_2", true],
  ["64 characters in words", "a_".repeat(32), true],
  ["65 characters", "a_".repeat(32) + "a", false],
  ["a run of 19 letters", "a".repeat(19), true],
  ["a run of 20 letters", "a".repeat(20), false],
  ["9 letters and digits", "abcdefgh1", true],
  ["10 letters and digits", "abcdefghi1", false],
  ["hexadecimal digits", "7f3a9c0d1e2b4a5f", false],
  ["a GitHub token", "ghp_abc", false],
  ["a Slack token", "xoxb-abc", false],
  ["an AWS key id", "AKIAABC", false],
  ["a token of ours", "kz_masked_0", false],
  ["white space", "a b", false],
  ["an assignment", "a=b", false],
  ["nothing", "", false],
  ["a control character", "a\u001b", false],
];
for (const [why, key, expected] of HARMLESS) {
  Deno.test(`isHarmlessKey() is ${expected} for ${why}`, () => assert.equal(isHarmlessKey(key), expected));
}

Deno.test("formatKeyPath() shows indexes in brackets and hides a key that may be a secret", () => {
  assert.equal(formatKeyPath(["secrets", "A", "hosts", 0]), "secrets.A.hosts[0]");
  assert.equal(formatKeyPath(["secrets", "ghp_0123456789abcdef"]), "secrets.…");
});
