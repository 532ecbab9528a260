import assert from "node:assert/strict";
import fc from "fast-check";
import { AppError } from "./error.ts";
import { maskedTokenOf, tokenRegExp } from "./masked_token.ts";
import { JWT_TOKEN_PREFIX, jwtTokenRegExp, makeShapedToken, parseTokenShape, SHAPE_NAMES } from "./token_shape.ts";

// requirement: P-2.1

const system = (count: number) => crypto.getRandomValues(new Uint8Array(count));
const make = (text: string) => makeShapedToken(parseTokenShape(text), system);

const SHAPES: readonly [shape: string, expected: RegExp][] = [
  ["masked", /^kz_masked_[0-9a-f]{32}$/],
  ["github", /^ghp_[A-Za-z0-9]{36}$/],
  ["github-fine-grained", /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/],
  ["gitlab", /^glpat-[A-Za-z0-9]{20}$/],
  ["huggingface", /^hf_[A-Za-z]{34}$/],
  ["npm", /^npm_[A-Za-z0-9]{36}$/],
  ["jwt", /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}$/],
  ["aws-key-id", /^AKIA[A-Z2-7]{16}$/],
  ["aws-secret", /^[A-Za-z0-9]{40}$/],
  ["openai", /^sk-proj-[A-Za-z0-9]{48}$/],
  ["anthropic", /^sk-ant-api03-[A-Za-z0-9]{93}AA$/],
  ["sendgrid", /^SG\.[A-Za-z0-9]{22}\.[A-Za-z0-9]{43}$/],
  ["slack-bot", /^xoxb-\d{12}-\d{13}-[A-Za-z0-9]{24}$/],
  ["slack-app", /^xapp-1-A[A-Z]{10}-\d{13}-[0-9a-f]{64}$/],
  ["stripe", /^sk_live_[A-Za-z0-9]{24}$/],
  ["stripe-test", /^sk_test_[A-Za-z0-9]{24}$/],
  ["uuid", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
  ["{hex:64}", /^[0-9a-f]{64}$/],
  ["{digit:20}x", /^\d{20}x$/],
  ["key_{lower:10}.{upper:10}-end", /^key_[a-z]{10}\.[A-Z]{10}-end$/],
  ["a{base36:13}", /^a[a-z0-9]{13}$/],
  ["a{base64url:11}", /^a[\w-]{11}$/],
];
for (const [shape, expected] of SHAPES) {
  Deno.test(`makeShapedToken() makes ${shape} as it is checked for, another each time`, () => {
    const tokens = new Set(Array.from({ length: 200 }, () => make(shape)));
    for (const token of tokens) assert.match(token, expected);
    assert.equal(tokens.size, 200);
  });
}

Deno.test("makeShapedToken() is tried above with every named shape", () => {
  const tried = new Set(SHAPES.map(([shape]) => shape));
  assert.deepEqual(SHAPE_NAMES.filter((name) => !tried.has(name)), []);
});

Deno.test('makeShapedToken() makes of "masked" what a secret without a shape has', () => {
  assert.match(make("masked"), new RegExp(`^${tokenRegExp().source}$`));
});

/** By a table, as others compute it; the code under test goes bit by bit. */
function checksum(text: string): string {
  const table = Array.from({ length: 256 }, (_, index) => {
    let entry = index;
    for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? 0xedb88320 ^ (entry >>> 1) : entry >>> 1;
    return entry >>> 0;
  });
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  let rest = BigInt((crc ^ 0xffffffff) >>> 0);
  let digits = "";
  for (; digits.length < 6; rest /= 62n) {
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[Number(rest % 62n)] + digits;
  }
  return digits;
}

Deno.test("the checksum of this test is GitHub's: a published token has it", () => {
  // In two parts, so that no scanner takes this file for a leak. The token was revoked and published.
  assert.equal(checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
});

for (const shape of ["github", "npm"]) {
  Deno.test(`makeShapedToken() makes ${shape} with a checksum that is right`, () => {
    for (let round = 0; round < 200; round++) {
      const [, text = "", digits] = /_(.{30})(.{6})$/.exec(make(shape)) ?? [];
      assert.equal(digits, checksum(text));
    }
  });
}

Deno.test("makeShapedToken() makes a JWT that decodes, is not expired and has an id of its own", () => {
  const decoded = (text = ""): unknown => JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
  const ids = new Set<unknown>();
  for (let round = 0; round < 50; round++) {
    const [header, claims, signature] = make("jwt").split(".");
    assert.deepEqual(decoded(header), { alg: "HS256", typ: "JWT" });
    const { iss, exp, iat, jti } = decoded(claims) as Record<string, unknown>;
    assert.equal(iss, "keyzero");
    assert.equal(new Date(Number(exp) * 1000).toISOString(), "2100-01-01T00:00:00.000Z");
    assert.ok(Number(iat) < Number(exp));
    assert.equal(atob(signature!.replaceAll("-", "+").replaceAll("_", "/")).length, 32);
    ids.add(jti);
  }
  assert.equal(ids.size, 50);
});

Deno.test("makeShapedToken() draws each character of an alphabet as often as any other", () => {
  // Every byte once, which is what an unbiased source gives on average; what is left is asked for again.
  const alphabets: readonly [name: string, size: number][] = [["digit", 10], ["alnum", 62], ["base36", 36], [
    "hex",
    16,
  ]];
  for (const [name, size] of alphabets) {
    const rounds = Math.floor(256 / size);
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const asked: number[] = [];
    const source = (count: number) => {
      asked.push(count);
      // First the bytes that cannot be mapped evenly, then the others.
      return asked.length === 1
        ? Uint8Array.from({ length: count }, (_, at) => at < 256 - rounds * size ? 255 - at : 0)
        : all.subarray(0, count);
    };
    const token = makeShapedToken(parseTokenShape(`{${name}:250}`), source);
    assert.equal(token.length, 250);
    assert.deepEqual(asked, size === 16 ? [250] : [250, 256 - rounds * size], name);
  }
  // Many real draws: each character within six standard deviations of its share.
  const counts = new Map<string, number>();
  const draws = 62 * 1000;
  for (let made = 0; made < draws; made += 500) {
    for (const char of make("{alnum:500}")) counts.set(char, (counts.get(char) ?? 0) + 1);
  }
  assert.equal(counts.size, 62);
  for (const [char, count] of counts) assert.ok(Math.abs(count - 1000) < 6 * Math.sqrt(1000), `${char}: ${count}`);
});

const BAD_SOURCES: readonly [why: string, source: (count: number) => Uint8Array][] = [
  ["too few bytes", (count) => new Uint8Array(count - 1)],
  ["too many bytes", (count) => new Uint8Array(count + 1)],
  ["the one byte that fits no digit, for ever", (count) => new Uint8Array(count).fill(255)],
];
for (const [why, source] of BAD_SOURCES) {
  Deno.test(`makeShapedToken() refuses a source that gives ${why}`, () => {
    assert.throws(() => makeShapedToken(parseTokenShape("{digit:20}"), source), RangeError);
  });
}

const REFUSED: readonly [why: string, text: string, state: RegExp][] = [
  ["the empty string", "", /at least 64 random bits/],
  ["a name that none has", "githb", /at least 64 random bits/],
  ["15 hex digits, 60 bits", "{hex:15}", /at least 64 random bits/],
  ["12 base 32 digits, 60 bits", "AKIA{base32:12}", /at least 64 random bits/],
  ["513 characters", "x{hex:512}", /at most 512 characters/],
  ["an unknown alphabet", "{emoji:64}", /a name, or text/],
  ["a name of an object", "{constructor:64}", /a name, or text/],
  ["no count", "{hex}", /a name, or text/],
  ["a count of 0", "{hex:0}{hex:64}", /a name, or text/],
  ["a count of four digits", "{hex:1000}", /a name, or text/],
  ["a signed count", "{hex:-64}", /a name, or text/],
  ["an open brace", "{hex:64", /a name, or text/],
  ["a closing brace", "{hex:64}}", /a name, or text/],
  ["a space", "Bearer {hex:64}", /a name, or text/],
  ["a line end", "{hex:64}\n", /a name, or text/],
  ["a slash", "a/{hex:64}", /a name, or text/],
  ["a colon", "1:{hex:64}", /a name, or text/],
  ["a letter beyond ASCII", "é{hex:64}", /a name, or text/],
  ["a hyphen at the beginning", "-{hex:64}", /at its beginning/],
  ["a dot at the beginning", ".{hex:64}", /at its beginning/],
  ["what may begin with a hyphen", "{base64url:64}", /at its beginning/],
  ["what looks like the default but is none", "kz_masked_{alnum:32}", /is kept for them/],
  ["the default's beginning in the middle", "akz_masked_{hex:64}", /is kept for them/],
];
for (const [why, text, state] of REFUSED) {
  Deno.test(`parseTokenShape() refuses ${why}`, () => {
    assert.throws(() => parseTokenShape(text), (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "CONFIG_SHAPE_INVALID");
      assert.match(error.message, state);
      return true;
    });
  });
}

for (const text of ["{hex:16}", "{hex:512}", "AKIA{base32:13}", "_{hex:64}"]) {
  Deno.test(`parseTokenShape() reads ${text}, which is just allowed`, () => assert.ok(make(text).length <= 512));
}

Deno.test("parseTokenShape() never shows what it refuses", () => {
  const canary = "hunter2Canary7f3a9c0d1e2b";
  for (const text of [canary, `${canary}{hex:1}`, `{${canary}:64}`, `-${canary}{hex:64}`, `${canary} {hex:64}`]) {
    assert.throws(
      () => parseTokenShape(text),
      (error) => error instanceof AppError && ![error.message, ...error.hints].join().includes(canary),
    );
  }
});

Deno.test("parseTokenShape() refuses any text, or it makes tokens that nothing escapes, as long as it says", () => {
  const alphabet = fc.constantFrom("alnum", "alpha", "upper", "lower", "digit", "hex", "base32", "base36", "base64url");
  const part = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/).map((text) => ({ text, length: text.length })),
    fc.tuple(alphabet, fc.integer({ min: 0, max: 200 })).map(([name, count]) => ({
      text: `{${name}:${count}}`,
      length: count,
    })),
    { weight: 1, arbitrary: fc.string({ maxLength: 2 }).map((text) => ({ text, length: text.length })) },
  );
  let made = 0;
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const text = parts.map((each) => each.text).join("");
      let shape;
      try {
        shape = parseTokenShape(text);
      } catch (error) {
        assert.ok(error instanceof AppError);
        return;
      }
      made++;
      const [one, two] = [makeShapedToken(shape, system), makeShapedToken(shape, system)];
      assert.notEqual(one, two);
      assert.equal(one.length, parts.reduce((sum, each) => sum + each.length, 0));
      assert.equal(encodeURIComponent(one), one);
      assert.equal(JSON.stringify(one), `"${one}"`);
      assert.match(one, /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/);
    }),
    { numRuns: 2000 },
  );
  assert.ok(made > 100, `only ${made} templates were read`);
});

const TEXTS: readonly [why: string, text: string][] = [
  ["an empty text", ""],
  ["7 characters", "a".repeat(7)],
  ["513 characters", "a".repeat(513)],
  ["a slash", "aaaaaaaa/"],
  ["a hyphen first", "-aaaaaaaa"],
  ["a line end", "aaaaaaaa\n"],
];
for (const [why, text] of TEXTS) {
  Deno.test(`maskedTokenOf() refuses ${why}`, () => assert.throws(() => maskedTokenOf(text), RangeError));
}

Deno.test("jwtTokenRegExp() finds every token of the shape jwt, and no other JWT", () => {
  for (let round = 0; round < 50; round++) {
    const token = make("jwt");
    assert.ok(token.startsWith(JWT_TOKEN_PREFIX));
    assert.deepEqual(`a.${token}.b`.match(jwtTokenRegExp()), [token]);
    assert.equal(jwtTokenRegExp().test(token.replace("eyJpc3Mi", "eyJpc3Nj")), false);
  }
});
