import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { readServerKey } from "./server_key.ts";

const BYTES = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
const HEX = BYTES.toHex();
const BASE64 = btoa(String.fromCharCode(...BYTES));
const around = (variables: Record<string, string>) => ({ cwd: "/", getEnv: (name: string) => variables[name] });

const READ: readonly [why: string, text: string][] = [
  ["hexadecimal", HEX],
  ["upper case", HEX.toUpperCase()],
  ["base64", BASE64],
  ["base64url", BASE64.replaceAll("+", "-").replaceAll("/", "_").replace("=", "")],
];
for (const [why, text] of READ) {
  Deno.test(`readServerKey() reads ${why} [S-6.1]`, async () => {
    assert.deepEqual(await readServerKey(around({ KEYZERO_SERVER_KEY: text })), { bytes: BYTES, isOwn: false });
  });
}

for (const text of [HEX.slice(2), `${HEX}00`, BASE64.slice(4), "correct horse battery staple", "g".repeat(64)]) {
  Deno.test(`readServerKey() refuses ${text.length} characters that are no key, and shows none`, async () => {
    await assert.rejects(readServerKey(around({ KEYZERO_SERVER_KEY: text })), (error) => {
      return error instanceof AppError && error.code === "SERVER_KEY_INVALID" && !error.message.includes(text);
    });
  });
}

Deno.test("readServerKey() reads a file, without its line end", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, `${HEX}\n`);
    assert.deepEqual((await readServerKey(around({ KEYZERO_SERVER_KEY_FILE: file }))).bytes, BYTES);
    const both = around({ KEYZERO_SERVER_KEY_FILE: file, KEYZERO_SERVER_KEY: HEX });
    await assert.rejects(readServerKey(both), { code: "SERVER_KEY_INVALID" });
  } finally {
    await Deno.remove(file);
  }
  await assert.rejects(readServerKey(around({ KEYZERO_SERVER_KEY_FILE: file })), { code: "SERVER_KEY_INVALID" });
});

Deno.test("readServerKey() makes another key each time without one", async () => {
  const [one, two] = [await readServerKey(around({})), await readServerKey(around({}))];
  assert.deepEqual([one.isOwn, one.bytes.length, two.isOwn], [true, 32, true]);
  assert.notDeepEqual(one.bytes, two.bytes);
});
