import assert from "node:assert/strict";
import { AppError } from "../error.ts";
import { parseRedisAddress } from "./redis_address.ts";

const PLAIN = { host: "redis.internal", port: 6379, secure: false, username: undefined, database: 0 };

const READ: readonly [text: string, expected: Record<string, unknown>][] = [
  ["redis://redis.internal", PLAIN],
  ["redis://redis.internal/", PLAIN],
  ["redis://Redis.Internal:6379/0", PLAIN],
  ["rediss://redis.internal:6380/3", { ...PLAIN, secure: true, port: 6380, database: 3 }],
  ["redis://kz@redis.internal", { ...PLAIN, username: "kz" }],
  ["redis://@redis.internal", PLAIN],
  ["redis://127.0.0.1:1", { ...PLAIN, host: "127.0.0.1", port: 1 }],
  ["redis://[::1]:6379", { ...PLAIN, host: "[::1]" }],
];
for (const [text, expected] of READ) {
  Deno.test(`parseRedisAddress() reads ${text} [S-6.3]`, () => assert.deepEqual(parseRedisAddress(text), expected));
}

for (const text of ["redis://kz:canary@redis.internal", "redis://:canary@redis.internal"]) {
  Deno.test(`parseRedisAddress() says where a password belongs, for ${text.replace("canary", "…")} [S-6.3]`, () => {
    assert.throws(() => parseRedisAddress(text), {
      message: "Cannot read Redis address: a password has no place in it",
      hints: ['Keep it in a backend: state = { redis: "redis://host:6379", password: { backend: NAME, secret: REF } }'],
    });
  });
}

const REFUSED: readonly [why: string, text: string][] = [
  ["a password", "redis://kz:canary@redis.internal"],
  ["a password alone", "redis://:canary@redis.internal"],
  ["another scheme", "https://canary.internal"],
  ["no host", "redis://"],
  ["no host before the port", "redis://:6379"],
  ["a port out of range", "redis://canary:65536"],
  ["port 0", "redis://canary:0"],
  ["a database that is no number", "redis://canary/x"],
  ["a database out of range", "redis://canary/99999"],
  ["a query", "redis://canary?db=1"],
  ["a fragment", "redis://canary#1"],
  ["a second @", "redis://a@canary@b"],
  ["white space", "redis://canary internal"],
  ["an escape in the user", "redis://%63anary@b"],
  ["a backslash", "redis://canary\\b"],
];
for (const [why, text] of REFUSED) {
  Deno.test(`parseRedisAddress() refuses ${why} and does not echo it [S-6.3]`, () => {
    assert.throws(() => parseRedisAddress(text), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "BUNDLE_STATE_INVALID");
      assert(!(error.message + error.hints).includes("canary"));
      return true;
    });
  });
}
