import assert from "node:assert/strict";
import fc from "fast-check";
import { maskValue } from "../../../policy/mask.ts";
import { makeMaskedToken } from "../../../policy/masked_token.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

const TOKEN = makeMaskedToken(new Uint8Array(16).fill(0xcd));
const AUTO = { kind: "auto" } as const;

const part = (...texts: string[]) => fc.oneof(fc.constantFrom(...texts), fc.string({ maxLength: 6 }));
const urls = fc.tuple(
  fc.constantFrom("postgres", "https", "mongodb+srv", "redis", "amqp", "jdbc:mysql", "1x"),
  fc.constantFrom("://", "://", "://", ":/"),
  part("admin", "", "a%40b", "a:b"),
  fc.constantFrom(":", ":", "%3A"),
  part("Zq7PASSWORD", "p@ss", "p/w", "p?w", "p#w", "%50", "%", "p:w", "ü"),
  fc.constantFrom("@", "@", "@@"),
  part("db", "[::1]", "db:5432", "h1:1,h2:2", "e.test:443"),
  part("/app", "", "/?a=b@c", "#x@y", "/a:b@c"),
);

/**
 * The masked text never shows what a URL reader takes for the password, and puts back together gives the value.
 *
 * The oracle is the URL parser of the platform, which reads one spelling in one way; of values that it does not read only
 * the second is checked.
 */
export const maskedUrl: FuzzTarget = {
  name: "mask",
  inputs: urls.map((parts) => new TextEncoder().encode(parts.join(""))),
  dictionary: ["://", "@", ":", "/", "?", "#", "%40", "%3A", "[", "]", "\\", "postgres://", "\t"],
  check(input) {
    const value = new TextDecoder().decode(input);
    const { text, real } = maskValue(value, AUTO, TOKEN);
    if (text === TOKEN) {
      assert.equal(real, value);
      return false;
    }
    const [before = "", after = "", ...more] = text.split(TOKEN);
    assert.deepEqual(more, []);
    assert.ok(value.startsWith(before) && value.endsWith(after) && before.length + after.length < value.length);
    const masked = value.slice(before.length, value.length - after.length);
    assert.equal(decodeURIComponent(masked), real);
    const password = URL.parse(value)?.password ?? "";
    // The platform writes a password with escapes of its own; decoded they are the same.
    if (password !== "") assert.ok(shows(masked, password), "another part than the password is masked");
    assert.ok(!before.includes("@") || !after.includes("@") || after.indexOf("@") === after.lastIndexOf("@"));
    return true;
  },
};

/** Whether all that the platform takes for the password is in what was masked. */
function shows(masked: string, password: string): boolean {
  const plain = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  // It also drops tabs and line ends that are not escaped.
  return plain(masked.replace(/[\t\n\r]/g, "")).includes(plain(password));
}
