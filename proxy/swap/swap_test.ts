import assert from "node:assert/strict";
import { parseHost } from "../../policy/host.ts";
import { makeMaskedToken } from "../../policy/masked_token.ts";
import { parsePlacement } from "../../policy/placement.ts";
import { Secret } from "../../policy/secret.ts";
import { parseSecretName } from "../../policy/secret_name.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { Refusal } from "../refusal.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { TokenTable } from "../token_table.ts";
import type { SwapContext } from "./grant.ts";
import { swapBody } from "./swap_body.ts";
import { swapHead } from "./swap_head.ts";

// requirement: P-1.1, P-1.2, P-1.4

const REAL = 'r/e a"l+ü&=\n';
const TOKEN = makeMaskedToken(new Uint8Array(16).fill(0xab));
const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function context(places: readonly string[], value = REAL): SwapContext {
  const ref = parseSecretRef("r");
  const real = new Secret(ref, new TextEncoder().encode(value));
  const grant = { name: parseSecretName("T"), token: TOKEN, real, hosts: undefined, in: places.map(parsePlacement) };
  return {
    destination: { host: parseHost("api.test"), port: 443, defaultPort: 443, path: "/", trusted: true },
    tokens: new TokenTable([grant]),
    encoded: new ScrubPlan([{ text: TOKEN, standIn: TOKEN }]),
    used: new Set(),
  };
}

const PERCENT = "r%2Fe%20a%22l%2B%C3%BC%26%3D%0A";
const TARGETS: readonly [why: string, places: string[], target: string, expected: string | undefined][] = [
  ["query", ["query"], `/a?x=1&key=${TOKEN}&y`, `/a?x=1&key=${PERCENT}&y`],
  ["query:key", ["query:key"], `/a?key=${TOKEN}`, `/a?key=${PERCENT}`],
  ["query:key, its name escaped", ["query:key"], `/a?k%65y=${TOKEN}`, `/a?k%65y=${PERCENT}`],
  ["query:key in another parameter", ["query:key"], `/a?kex=${TOKEN}`, undefined],
  ["header in a query", ["header"], `/a?key=${TOKEN}`, undefined],
  ["query as a parameter's name", ["query"], `/a?${TOKEN}=1`, undefined],
  ["query without a value", ["query"], `/a?${TOKEN}`, undefined],
  ["path", ["path"], `/bot${TOKEN}/send`, "/botr%2Fe%20a%22l+%C3%BC%26=%0A/send"],
  ["query in a path", ["query"], `/bot${TOKEN}/send`, undefined],
  ["path in a query", ["path"], `/send?x=${TOKEN}`, undefined],
  ["a second copy, escaped", ["query"], `/a?key=${TOKEN}&x=%6b${TOKEN.slice(1)}`, undefined],
  ["a second copy, escaped twice", ["query"], `/a?key=${TOKEN}&x=%256b${TOKEN.slice(1)}`, undefined],
  ["a second copy in base64", ["query"], `/a?key=${TOKEN}&x=${btoa(TOKEN)}`, undefined],
];

for (const [why, places, target, expected] of TARGETS) {
  Deno.test(`TM-04 TM-05 swapHead() ${expected === undefined ? "refuses" : "replaces"} ${why}`, () => {
    const swap = () => swapHead({ pathAndQuery: target, fields: [] }, context(places)).pathAndQuery;
    if (expected === undefined) assert.throws(swap, Refusal);
    else assert.equal(swap(), expected);
  });
}

const DISGUISED_FIELDS: readonly [why: string, name: string, value: string][] = [
  ["with one character escaped", "Cookie", `a=%6b${TOKEN.slice(1)}`],
  ["with one character escaped twice", "X-Link", `</?a=%256b${TOKEN.slice(1)}>`],
  ["in escapes of JSON", "X-Data", `{"a":"\\u006b${TOKEN.slice(1)}"}`],
  ["in entities", "X-Note", `&#107;${TOKEN.slice(1)}`],
  ["beside one that is replaced", "Authorization", `Bearer ${TOKEN}, a=%6b${TOKEN.slice(1)}`],
  ["in base64", "X-Note", btoa(`a${TOKEN}`)],
];
for (const [why, name, value] of DISGUISED_FIELDS) {
  Deno.test(`TM-05 swapHead() refuses a token ${why}`, () => {
    const fields = [{ name, lower: name.toLowerCase(), value }];
    assert.throws(() => swapHead({ pathAndQuery: "/", fields }, context(["header"], "value")), Refusal);
  });
}

const JSON_TYPE = "application/json; charset=utf-8";
const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=XX";
const part = (name: string, value: string) =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const BODIES: readonly [why: string, places: string[], type: string, body: string, expected: string | undefined][] = [
  [
    "JSON anywhere",
    ["body"],
    JSON_TYPE,
    `{"a":[1,"x ${TOKEN}"]}`,
    `{"a":[1,"x ${JSON.stringify(REAL).slice(1, -1)}"]}`,
  ],
  ["a JSON member", ["body:auth"], JSON_TYPE, `{ "auth" : "${TOKEN}" }`, `{ "auth" : ${JSON.stringify(REAL)} }`],
  [
    "a JSON Pointer",
    ["body:/a/1/k"],
    JSON_TYPE,
    `{"a":[0,{"k":"${TOKEN}"}]}`,
    `{"a":[0,{"k":${JSON.stringify(REAL)}}]}`,
  ],
  ["another JSON member", ["body:auth"], JSON_TYPE, `{"note":"${TOKEN}"}`, undefined],
  ["a JSON member further down", ["body:auth"], JSON_TYPE, `{"x":{"auth":"${TOKEN}"}}`, undefined],
  ["a member named twice", ["body:auth"], JSON_TYPE, `{"auth":"${TOKEN}","auth":"x"}`, undefined],
  ["a JSON member's name", ["body"], JSON_TYPE, `{"${TOKEN}":1}`, undefined],
  [
    "a second copy in JSON escapes",
    ["body:a"],
    JSON_TYPE,
    `{"a":"${TOKEN}","b":"\\u006b${TOKEN.slice(1)}"}`,
    undefined,
  ],
  ["broken JSON", ["body"], JSON_TYPE, `{"a":"${TOKEN}"`, undefined],
  ["a form field", ["body:key"], FORM, `a=1&key=${TOKEN}`, `a=1&key=${PERCENT}`],
  ["another form field", ["body:key"], FORM, `a=${TOKEN}&key=1`, undefined],
  [
    "a second copy in a form, escaped",
    ["body:key"],
    FORM,
    `key=${TOKEN}&a=kz%5Fmasked%5F${"ab".repeat(16)}`,
    undefined,
  ],
  [
    "a multipart field",
    ["body:key"],
    MULTIPART,
    `${part("a", "1")}${part("key", TOKEN)}--XX--\r\n`,
    `${part("a", "1")}${part("key", REAL)}--XX--\r\n`,
  ],
  ["another multipart field", ["body:key"], MULTIPART, `${part("a", TOKEN)}--XX--\r\n`, undefined],
  [
    "a multipart part that is named by two headers",
    ["body:key"],
    MULTIPART,
    `--XX\r\nContent-Disposition: form-data; name="key"\r\nContent-Disposition: form-data; name="a"\r\n\r\n${TOKEN}\r\n--XX--\r\n`,
    undefined,
  ],
  [
    "a multipart part that is named twice",
    ["body:key"],
    MULTIPART,
    `${part('a"; name="key', TOKEN)}--XX--\r\n`,
    undefined,
  ],
  [
    "a multipart file",
    ["body:key"],
    MULTIPART,
    `${part('key"; filename="f.txt', TOKEN)}--XX--\r\n`,
    `${part('key"; filename="f.txt', REAL)}--XX--\r\n`,
  ],
  ["a multipart preamble", ["body"], MULTIPART, `${TOKEN}\r\n${part("a", "1")}--XX--\r\n`, undefined],
  ["plain text", ["body"], "text/plain", `x ${TOKEN} y`, `x ${REAL} y`],
  ["plain text, where a field is named", ["body:key"], "text/plain", TOKEN, undefined],
  ["a header secret in a body", ["header"], JSON_TYPE, `{"a":"${TOKEN}"}`, undefined],
];

for (const [why, places, type, body, expected] of BODIES) {
  Deno.test(`TM-04 TM-05 swapBody() ${expected === undefined ? "refuses" : "replaces"} ${why}`, () => {
    const fields = [{ name: "Content-Type", lower: "content-type", value: type }];
    const swap = () => new TextDecoder().decode(swapBody(latin1(body), fields, context(places)));
    if (expected === undefined) assert.throws(swap, Refusal);
    else assert.equal(swap(), expected);
  });
}

Deno.test("swapBody() leaves a body without a token as it is, byte for byte", () => {
  const body = latin1(`{"a":"\\u00e4", "b" :1}`);
  assert.equal(swapBody(body, [], context(["body"])), body);
});
