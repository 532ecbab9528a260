import assert from "node:assert/strict";
import { systemState } from "./system_error.ts";

const CANARY = "/home/canary";

const TABLE: [why: string, error: unknown, expected: string][] = [
  ["a class of Deno", new Deno.errors.PermissionDenied(CANARY), "permission is denied"],
  ["a code", Object.assign(new Error(CANARY), { code: "ENOSPC" }), "the disk is full"],
  ["a number", new Error(`${CANARY} (os error 27)`), "the system reports error 27"],
  ["an unknown code", Object.assign(new Error(CANARY), { code: CANARY }), "the system reports an error"],
  ["what is no error", CANARY, "the system reports an error"],
];
for (const [why, error, expected] of TABLE) {
  Deno.test(`systemState() reads ${why}`, () => assert.equal(systemState(error), expected));
}
