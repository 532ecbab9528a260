import assert from "node:assert/strict";
import { AppError } from "../../../policy/error.ts";
import { authorityOf, isLoopback, isUnspecified, parseListenAddress } from "./listen_address.ts";

const ACCEPTED: readonly [text: string, authority: string, loopback: boolean][] = [
  ["127.0.0.1:7070", "127.0.0.1:7070", true],
  ["127.9.9.9:1", "127.9.9.9:1", true],
  ["localhost:0", "127.0.0.1:0", true],
  [":7070", "0.0.0.0:7070", false],
  ["0.0.0.0:65535", "0.0.0.0:65535", false],
  ["192.168.1.5:80", "192.168.1.5:80", false],
  ["[::1]:7070", "[::1]:7070", true],
  ["[::]:7070", "[::]:7070", false],
];
for (const [text, authority, loopback] of ACCEPTED) {
  Deno.test(`parseListenAddress() reads ${text} [S-4.4]`, () => {
    const address = parseListenAddress(text, "--listen");
    assert.deepEqual([authorityOf(address), isLoopback(address)], [authority, loopback]);
    assert.equal(isUnspecified(address), /^(0\.0\.0\.0|\[::\]):/.test(authority));
  });
}

const REFUSED = ["", "7070", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "example.com:80", "2130706433:80"];
for (
  const text of [...REFUSED, "127.1:80", "0x7f.0.0.1:80", "::1:7070", "[::1]", "[127.0.0.1]:1", "http://127.0.0.1:1"]
) {
  Deno.test(`parseListenAddress() refuses "${text}"`, () => {
    assert.throws(() => parseListenAddress(text, "--listen"), (error) => {
      return error instanceof AppError && error.code === "USAGE_INVALID" &&
        (text === "" || !error.message.includes(text));
    });
  });
}
