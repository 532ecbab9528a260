import assert from "node:assert/strict";
import { parseFetchUrl } from "../../policy/server/fetch_url.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { CANARY, utf8 } from "../testing/lab.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import { type CallerRequest, planFetch, type PlannedFetch, refuseHeld } from "./plan_fetch.ts";
import { isDenial, type LabResource, labResource } from "./testing/fetch_lab.ts";

type Headers = CallerRequest["headers"];

function plan(
  { url = "https://api.test/a", method = "GET", headers = [], body }: {
    url?: string;
    method?: string;
    headers?: Headers;
    body?: Uint8Array;
  },
  resource: LabResource = {},
): PlannedFetch {
  return planFetch(parseFetchUrl(url), { method, headers, body }, labResource(resource));
}

Deno.test("planFetch() passes a caller's headers on and adds what hosts ask for [S-5.5]", () => {
  const headers: Headers = [["Accept", "application/json"], ["X-GitHub-Api-Version", "2022-11-28"], ["X-Empty", ""]];
  const { fields } = plan({ headers });
  assert.deepEqual(fields.map(({ name, value }) => [name, value]), [...headers, ["User-Agent", "keyzero"]]);
});

Deno.test("planFetch() adds no header that is to hold the credential", () => {
  const { fields } = plan({}, { location: "header:User-Agent:" });
  assert.deepEqual(fields.map(({ lower }) => lower), ["accept"]);
});

const KEY: LabResource = { location: "header:X-Api-Key:" };
const COLLIDING: readonly (readonly [why: string, name: string, resource?: LabResource])[] = [
  ["the credential's header", "Authorization"],
  ["the credential's header in another case", "aUTHORIZATION"],
  ["the header of a key", "X-Api-Key", KEY],
  ["the header of a key in small letters", "x-api-key", KEY],
  ["the header of a key with underscores", "X_Api_Key", KEY],
  ["the header of a key with one underscore", "X-Api_Key", KEY],
  ["the header of a key with dots", "x.api.key", KEY],
  ["Authorization where the credential is a user's password", "Authorization", { location: "basic:git" }],
  ["Authorization where the credential is a parameter", "Authorization", { location: "query:key" }],
  ["Authorization besides a key", "Authorization", KEY],
  ["a cookie", "Cookie"],
  ["a cookie besides a key", "cookie", KEY],
  ["Proxy-Authorization", "Proxy-Authorization"],
  ["any other field of proxies", "Proxy-Status"],
  ["Host", "Host"],
  ["Host in small letters", "host"],
  ["Content-Length", "Content-Length"],
  ["Content-Length in disguise", "Content_Length"],
  ["Transfer-Encoding", "Transfer-Encoding"],
  ["Transfer-Encoding in disguise", "transfer_encoding"],
  ["Connection", "Connection"],
  ["Keep-Alive", "Keep-Alive"],
  ["TE", "TE"],
  ["Trailer", "Trailer"],
  ["Upgrade", "Upgrade"],
  ["HTTP2-Settings", "HTTP2-Settings"],
  ["Expect", "Expect"],
  ["Accept-Encoding", "Accept-Encoding"],
  ["Accept-Encoding in disguise", "Accept_Encoding"],
];
for (const [why, name, resource] of COLLIDING) {
  Deno.test(`TM-34 planFetch() refuses a caller's header that collides: ${why}`, () => {
    assert.throws(
      () => plan({ headers: [["Accept", "*/*"], [name, "x"]] }, resource),
      isDenial("HEADER_COLLIDES", /leave/),
    );
  });
}

const QUERY: LabResource = { location: "query:api_key" };
const PARAMETERS: readonly (readonly [why: string, query: string, collides: boolean])[] = [
  ["the parameter", "api_key=x", true],
  ["the parameter after others", "a=b&api_key=x", true],
  ["the parameter after a semicolon", "a=b;api_key=x", true],
  ["the parameter without a value", "api_key", true],
  ["the parameter in capitals", "API_KEY=x", true],
  ["the parameter in escapes", "%61pi%5Fkey=x", true],
  ["the parameter with a dot, which PHP takes for an underscore", "api.key=x", true],
  ["the parameter with a plus sign, which PHP takes for an underscore", "api+key=x", true],
  ["the parameter as a list", "api_key[]=x", true],
  ["the parameter as an escaped list", "api_key%5B0%5D=x", true],
  ["the parameter after a space", "+api_key=x", true],
  ["the name as a value", "a=api_key", false],
  ["a longer name", "api_keys=x", false],
  ["a name inside", "xapi_key=x", false],
  ["a path of that name", "", false],
];
for (const [why, query, collides] of PARAMETERS) {
  Deno.test(`TM-34 planFetch() ${collides ? "refuses" : "passes"} in the query ${why}`, () => {
    const request = { url: `https://api.test/api_key${query === "" ? "" : `?${query}`}` };
    if (collides) assert.throws(() => plan(request, QUERY), isDenial("HEADER_COLLIDES", /query/));
    else assert.equal(plan(request, QUERY).url.href, request.url);
    // Where the credential is elsewhere, the parameter is the caller's.
    assert.ok(plan(request));
  });
}

const INVALID: readonly (readonly [why: string, request: Parameters<typeof plan>[0]])[] = [
  ["a line break in a value", { headers: [["A", "x\r\nAuthorization: y"]] }],
  ["a NUL in a value", { headers: [["A", "x\0"]] }],
  ["a letter beyond ASCII in a value", { headers: [["A", "ä"]] }],
  ["a character of two bytes in a value", { headers: [["A", "\u2028"]] }],
  ["a space before a value", { headers: [["A", " x"]] }],
  ["a tab after a value", { headers: [["A", "x\t"]] }],
  ["no name", { headers: [["", "x"]] }],
  ["a colon in a name", { headers: [["A:", "x"]] }],
  ["a space in a name", { headers: [["A B", "x"]] }],
  ["a line break in a name", { headers: [["A\r\nB", "x"]] }],
  ["a letter beyond ASCII in a name", { headers: [["\u212Aey", "x"]] }],
  ["a part of a body wanted", { headers: [["Range", "bytes=0-10"]] }],
  ["a part of a body wanted in disguise", { headers: [["range", "bytes=0-10"], ["If_Range", "x"]] }],
  ["an encoded body", { method: "POST", headers: [["Content-Encoding", "gzip"]], body: utf8("x") }],
  ["an encoded body in disguise", { method: "POST", headers: [["content_encoding", "gzip"]], body: utf8("x") }],
  ["one header too many", {
    headers: Array.from({ length: EDGE_LIMITS.requestHeaders + 1 }, () => ["A", "x"] as const),
  }],
  ["one byte too many in headers", { headers: [["A", "x".repeat(EDGE_LIMITS.requestHeaderBytes)]] }],
  ["the method TRACE", { method: "TRACE" }],
  ["the method TRACK", { method: "TRACK" }],
  ["the method CONNECT", { method: "CONNECT" }],
  ["a method in small letters", { method: "get" }],
  ["a method with a line break", { method: "GET\r\nX" }],
  ["a method with a space", { method: "GET /" }],
  ["no method", { method: "" }],
];
for (const [why, request] of INVALID) {
  Deno.test(`TM-34 planFetch() refuses a request with ${why}`, () => {
    assert.throws(() => plan(request), isDenial("REQUEST_INVALID", /./));
  });
}

Deno.test("planFetch() takes as many headers and bytes as are carried", () => {
  const many = Array.from({ length: EDGE_LIMITS.requestHeaders }, () => ["A", "x"] as const);
  assert.ok(plan({ headers: many }));
  assert.ok(plan({ headers: [["A", "x".repeat(EDGE_LIMITS.requestHeaderBytes - 1)]] }));
  assert.ok(plan({ method: "PUT", body: new Uint8Array(EDGE_LIMITS.requestBodyBytes) }));
  const body = new Uint8Array(EDGE_LIMITS.requestBodyBytes + 1);
  assert.throws(() => plan({ method: "PUT", body }), isDenial("BODY_TOO_LARGE"));
});

const TARGETS: readonly (readonly [why: string, request: Parameters<typeof plan>[0], resource: LabResource])[] = [
  ["another host", { url: "https://evil.test/" }, {}],
  ["another port", { url: "https://api.test:444/" }, {}],
  ["a method that the resource does not have", { method: "DELETE" }, { methods: ["GET"] }],
  ["a path that the resource does not have", { url: "https://api.test/b" }, { paths: ["/a"] }],
  ["an ambiguous path", { url: "https://api.test/a/%2e%2e%2fb" }, { paths: ["/a/*"] }],
  ["a header for another method", { headers: [["X-HTTP-Method-Override", "DELETE"]] }, { methods: ["GET"] }],
  ["such a header in disguise", { headers: [["X_Http_Method_Override", "DELETE"]] }, { methods: ["GET"] }],
  ["a header for another path", { headers: [["X-Original-URL", "/b"]] }, { paths: ["/a"] }],
  ["a header for another path beside a prefix", { headers: [["X-Rewrite-Url", "/b"]] }, { hosts: ["api.test/a"] }],
];
for (const [why, request, resource] of TARGETS) {
  Deno.test(`TM-34 planFetch() denies ${why}`, () => {
    assert.throws(() => plan(request, resource), isDenial("TARGET_DENIED"));
  });
}

Deno.test("planFetch() passes a header for another method where nobody looks at methods", () => {
  assert.ok(plan({ headers: [["X-HTTP-Method-Override", "DELETE"]] }));
});

const values = new ScrubPlan([{ text: CANARY, standIn: "-" }, { text: "päss/wörd+1", standIn: "-" }]);
const SEALED = "KZ_TOK_1" + "A".repeat(40);
const MASKED = "kz_masked_00112233445566778899aabbccddeeff";
const json = (value: unknown) => utf8(JSON.stringify(value));
const HELD: readonly (readonly [why: string, request: Parameters<typeof plan>[0]])[] = [
  ["in the path", { url: `https://api.test/${CANARY}` }],
  ["in the query", { url: `https://api.test/?a=${CANARY}` }],
  ["in the query, every character escaped", {
    url: `https://api.test/?a=${[...CANARY].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("")}`,
  }],
  ["in the query, one character escaped", { url: `https://api.test/?a=%63${CANARY.slice(1)}` }],
  ["in the query, in base64", { url: `https://api.test/?a=${btoa(`xx${CANARY}`).replaceAll("=", "%3D")}` }],
  ["below a host", { url: `https://${CANARY}.wild.test/` }],
  ["in a header", { headers: [["X-Note", `it is ${CANARY}`]] }],
  ["in a header's name", { headers: [[CANARY, "x"]] }],
  ["in a header, as Basic", { headers: [["X-Note", `Basic ${btoa(`u:${CANARY}`)}`]] }],
  ["in a header, one character escaped", { headers: [["X-Note", `\\u0063${CANARY.slice(1)}`]] }],
  ["in a body", { method: "POST", body: json({ note: CANARY }) }],
  ["in a body, escaped as JSON", { method: "POST", body: json({ note: "päss/wörd+1" }) }],
  ["in a body, as a form", { method: "POST", body: utf8(new URLSearchParams({ a: "päss/wörd+1" }).toString()) }],
  ["in a body, in hexadecimal", { method: "POST", body: utf8(utf8(CANARY).toHex()) }],
  ["in a body, in base64", { method: "POST", body: json({ content: btoa(`text ${CANARY} text`) }) }],
  ["in a body, one character as an entity", { method: "POST", body: utf8(`<a>&#x63;${CANARY.slice(1)}</a>`) }],
];
for (const [why, request] of HELD) {
  Deno.test(`TM-17 refuseHeld() refuses a value ${why}`, () => {
    const planned = plan(request, { hosts: ["api.test", "*.wild.test"] });
    assert.throws(() => refuseHeld(planned, values), isDenial("REQUEST_INVALID", /secret value/));
  });
}

const TOKENS: readonly (readonly [why: string, request: Parameters<typeof plan>[0]])[] = [
  ["a sealed token in a header", { headers: [["X-Note", SEALED]] }],
  ["a sealed token in the query", { url: `https://api.test/?a=${SEALED}` }],
  ["a sealed token in a body", { method: "POST", body: json({ SEALED }) }],
  ["a sealed token in base64", { method: "POST", body: utf8(btoa(`u:${SEALED}`)) }],
  ["a masked token of a run", { method: "POST", body: utf8(MASKED) }],
  ["what stands for a value in responses", { method: "PUT", body: utf8("key = kz_masked_value") }],
  ["a proxy's password", { headers: [["X-Note", "KZ_PRX_1abc"]] }],
];
for (const [why, request] of TOKENS) {
  Deno.test(`TM-17 refuseHeld() refuses ${why}`, () => {
    assert.throws(() => refuseHeld(plan(request), new ScrubPlan([])), isDenial("REQUEST_INVALID", /masked tokens/));
  });
}

Deno.test("refuseHeld() passes bytes that hold none of these", () => {
  const body = encodeLatin1(Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("").repeat(20));
  refuseHeld(plan({ method: "POST", body, url: "https://api.test/?q=%25%5C&b=%zz".replace("%zz", "c") }), values);
});
