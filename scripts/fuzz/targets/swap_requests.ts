import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { type Field, parseFields } from "../../../proxy/http/fields.ts";
import { swapBody } from "../../../proxy/swap/swap_body.ts";
import { swapHead } from "../../../proxy/swap/swap_head.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { accepted, REAL, swapContext, TOKEN, TOKEN_WORDS } from "./secret_context.ts";

/** A naive reader of the other side: it must find the value where the secret may stand, and no token anywhere. */
function assertOnlyIn(allowed: boolean, text: string, where: string): void {
  assert.ok(!text.includes(TOKEN), `a token is left in ${where}`);
  if (!allowed) assert.ok(!text.includes(REAL), `the value is in ${where}`);
}

function percentDecoded(text: string): string {
  const bytes = decodeLatin1(new TextEncoder().encode(text)).replace(
    /%([0-9a-f]{2})/gi,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
  return new TextDecoder().decode(encodeLatin1(bytes));
}

const words = (...own: readonly string[]) =>
  fc.array(fc.constantFrom(...own, ...TOKEN_WORDS), { maxLength: 8 }).map((parts) => encodeLatin1(parts.join("")));

/** Path and query, where the value may stand in `key` alone. */
export const swapTargets: FuzzTarget = {
  name: "swap-target",
  inputs: words("/", "?", "a", "key=", "&", "=", "k%65y=", "+", "%", "#", ";", "key"),
  dictionary: [...TOKEN_WORDS, "key=", "&", "?", "%25", "%3f", "%26"],
  check(input) {
    const target = `/${decodeLatin1(input)}`;
    if (!/^[\x21-\x7e]+$/.test(target)) return false;
    const out = accepted(() => swapHead({ pathAndQuery: target, fields: [] }, swapContext("query:key")).pathAndQuery);
    if (out === undefined) return false;
    if (!target.includes(TOKEN)) assert.equal(out, target);
    const [path = "", ...query] = out.split("?");
    for (const text of [path, percentDecoded(path), percentDecoded(percentDecoded(path))]) {
      assertOnlyIn(false, text, "the path");
    }
    for (const [name, value] of new URLSearchParams(query.join("?"))) {
      assertOnlyIn(false, name, "a parameter's name");
      assertOnlyIn(name === "key", value, "a parameter");
      assertOnlyIn(name === "key", percentDecoded(value), "a parameter, decoded twice");
    }
    return true;
  },
};

/** Header fields, where the value may stand in `Authorization` alone. */
export const swapHeaders: FuzzTarget = {
  name: "swap-fields",
  inputs: words(
    "Authorization: ",
    "authorization: Basic ",
    "\n",
    "X: ",
    "Bearer ",
    ":",
    "basic  ",
    btoa("a:b"),
    "=",
    ",",
  ),
  dictionary: [...TOKEN_WORDS, "Authorization: Basic ", "\nAuthorization: ", "Cookie: "],
  check(input) {
    let fields: readonly Field[] = [];
    const read = accepted(() => fields = parseFields(decodeLatin1(input).split("\n")));
    if (read === undefined) return false;
    // A header carries bytes: the value is seen as its UTF-8.
    const real = decodeLatin1(new TextEncoder().encode(REAL));
    const out = accepted(() => swapHead({ pathAndQuery: "/", fields }, swapContext("header:authorization")).fields);
    if (out === undefined) return false;
    out.forEach((field, at) => {
      if (field.lower !== "authorization") return assert.deepEqual(field, fields[at]);
      const basic = /^basic +([A-Za-z0-9+/=]+)$/i.exec(field.value)?.[1];
      const plain = basic === undefined || basic.length % 4 !== 0 ? field.value : binaryOf(basic);
      assert.ok(!plain.includes(TOKEN) && !field.value.includes(TOKEN), "a token is left");
      if (plain.includes(real)) assert.equal(out.filter(({ lower }) => lower === "authorization").length, 1);
    });
    for (const { name, value } of out) assert.ok(!`${name}: ${value}`.includes(TOKEN), "a token is left");
    return true;
  },
};

function binaryOf(base64: string): string {
  try {
    return atob(base64);
  } catch {
    return base64;
  }
}

const TYPES = [
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=B",
  "text/plain",
];

/** Bodies, where the value may stand in the field `key` alone. The first byte says which media type. */
export const swapBodies: FuzzTarget = {
  name: "swap-body",
  inputs: fc.tuple(fc.nat(3), fc.oneof(jsonBodies(), formBodies(), multipartBodies()))
    .map(([type, body]) => encodeLatin1(String.fromCharCode(type) + body)),
  dictionary: [
    ...TOKEN_WORDS,
    '"key":',
    "key=",
    "\r\n--B",
    "--B--\r\n",
    'name="key"',
    "\\",
    '\\"',
    "{",
    "}",
    "[",
    "]",
    ",",
  ],
  async check(input) {
    const type = TYPES[(input[0] ?? 0) % TYPES.length]!;
    const body = input.subarray(1);
    const fields = [{ name: "Content-Type", lower: "content-type", value: type }];
    const out = accepted(() => swapBody(body, fields, swapContext("body:key")));
    if (out === undefined) return false;
    const plain = decodeLatin1(body);
    if (!plain.includes(TOKEN)) assert.deepEqual(out, body);
    const text = new TextDecoder().decode(out);
    assert.ok(!text.includes(TOKEN), "a token is left");
    // What is not of its type is read by nobody, or as text; and a text has no fields.
    if (type === TYPES[0]) assertJson(text);
    else if (type === TYPES[1]) {
      for (const [name, value] of new URLSearchParams(text)) {
        assertOnlyIn(false, name, "a parameter's name");
        assertOnlyIn(name === "key", value, "a parameter");
      }
    } else if (type === TYPES[2]) await assertMultipart(out, type);
    else assertOnlyIn(false, text, "a text");
    return true;
  },
};

function assertJson(text: string): void {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return assertOnlyIn(false, text, "what is not JSON");
  }
  const walk = (value: unknown, isKey: boolean): void => {
    if (typeof value === "string") return assertOnlyIn(isKey, value, "a string");
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      assertOnlyIn(false, name, "a name");
      walk(inner, value === root && !Array.isArray(root) && name === "key");
    }
  };
  walk(root, false);
}

async function assertMultipart(bytes: Uint8Array, type: string): Promise<void> {
  let form: FormData;
  try {
    form = await new Response(bytes.slice(), { headers: { "content-type": type } }).formData();
  } catch {
    return; // Not readable for a server either.
  }
  for (const [name, value] of form) {
    assertOnlyIn(name === "key", typeof value === "string" ? value : await value.text(), `the part ${name}`);
  }
}

function jsonBodies(): fc.Arbitrary<string> {
  const text = fc.constantFrom("a", "", "key", "\\u0061", "\\\\", ...TOKEN_WORDS).map((word) => `"${word}"`);
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      text,
      fc.constantFrom("1", "null", "[]"),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc.array(fc.tuple(fc.oneof(fc.constant('"key"'), text), tie("value")), { maxLength: 3 })
        .map((members) => `{${members.map(([name, inner]) => `${name}: ${inner}`).join(",")}}`),
    ),
  }));
  return value;
}

function formBodies(): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom("key=", "a=", "&", "k%65y=", "x", ...TOKEN_WORDS), { maxLength: 8 })
    .map((parts) => parts.join(""));
}

function multipartBodies(): fc.Arbitrary<string> {
  const part = fc.tuple(fc.constantFrom("key", "a", 'a"; filename="f'), fc.constantFrom("x", "", ...TOKEN_WORDS))
    .map(([name, value]) => `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
  return fc.array(part, { maxLength: 3 }).map((parts) => `${parts.join("")}--B--\r\n`);
}
