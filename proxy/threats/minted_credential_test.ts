// Longer than 300 lines: every form of an answer, and every way round it, is a row or test of one lab.
import assert from "node:assert/strict";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { JWT_TOKEN_PREFIX } from "../../policy/token_shape.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import { eachCase } from "../testing/each_case.ts";
import { CANARY, type Lab, openLab } from "../testing/lab.ts";
import type { RawResponse } from "../testing/raw_client.ts";
import { withLimits } from "../testing/with_limits.ts";

/** What a host gives out; no program may see it. */
const MINTED = "minted-8d2b6e0c51f7-access+/value";
const RENEWS = "minted-0f4a9c7e23b1-refresh";
const FORMS = [MINTED, encodeURIComponent(MINTED), btoa(MINTED).slice(0, 40), JSON.stringify(MINTED).slice(1, -1)];
const TOKEN_REGEXP = /kz_masked_[0-9a-f]{32}/;

const JSON_TYPE = "Content-Type: application/json;charset=UTF-8\r\n";
const FORM_TYPE = "Content-Type: application/x-www-form-urlencoded\r\n";
const XML_TYPE = "Content-Type: text/xml\r\n";
const answer = (body: string, fields = JSON_TYPE) =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
const chunked = (body: string, size: number, fields = JSON_TYPE) => {
  let text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${fields}\r\n`;
  for (let at = 0; at < body.length; at += size) {
    const part = body.slice(at, at + size);
    text += `${part.length.toString(16)}\r\n${part}\r\n`;
  }
  return `${text}0\r\n\r\n`;
};
const tokenAnswer = (more = "") =>
  `{"access_token":"${MINTED}","token_type":"bearer","expires_in":3600,"refresh_token":"${RENEWS}"${more}}`;

interface Call {
  readonly authority?: string;
  readonly token?: string;
  readonly path?: string;
  readonly fields?: string;
  readonly body?: string;
}

async function call(lab: Lab, { authority = "api.test", token = lab.token, path, fields = "", body }: Call = {}) {
  using client = await lab.client(`${authority}:443`);
  const authorization = token === "" ? "" : `Authorization: Bearer ${token}\r\n`;
  const length = body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
  const method = body === undefined ? "GET" : "POST";
  await client.send(
    `${method} ${path ?? "/"} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}${fields}${length}\r\n${body ?? ""}`,
  );
  return await client.response();
}

function assertHidden({ head, body, status }: RawResponse): void {
  assert.ok(status >= 200 && status < 400, head);
  for (const form of [...FORMS, RENEWS]) assert.ok(!(head + body).includes(form), `${form} in ${head}${body}`);
}

/** Members of a JSON answer. */
function members(response: RawResponse): Record<string, string> {
  assertHidden(response);
  return JSON.parse(response.body);
}

const github = `{"token":"${MINTED}","expires_at":"2030-01-01T00:00:00Z","permissions":{"contents":"read"}}`;
const ANSWERS: readonly (readonly [why: string, response: string])[] = [
  ["JSON of OAuth", answer(tokenAnswer())],
  ["JSON with white space", answer(JSON.stringify(JSON.parse(tokenAnswer()), null, "\t").replaceAll(":", " : "))],
  ["JSON with needless escapes", answer(`{"access_token":"${MINTED.replaceAll("-", "\\u002d").replace("/", "\\/")}"}`)],
  ["JSON without a length", chunked(tokenAnswer(), 7)],
  ["JSON byte by byte", chunked(tokenAnswer(), 1)],
  ["JSON up to the end of the connection", `HTTP/1.1 200 OK\r\nConnection: close\r\n${JSON_TYPE}\r\n${tokenAnswer()}`],
  ["JSON that is gzip", answer(decodeLatin1(gzipSync(tokenAnswer())), `${JSON_TYPE}Content-Encoding: gzip\r\n`)],
  [
    "JSON that is deflate",
    answer(decodeLatin1(deflateSync(tokenAnswer())), `${JSON_TYPE}Content-Encoding: deflate\r\n`),
  ],
  [
    "JSON that is Brotli",
    answer(decodeLatin1(brotliCompressSync(tokenAnswer())), `${JSON_TYPE}Content-Encoding: br\r\n`),
  ],
  ["JSON of an extended type", answer(tokenAnswer(), "Content-Type: application/vnd.api+json\r\n")],
  ["JSON as plain text", answer(` ${tokenAnswer()}`, "Content-Type: text/plain\r\n")],
  ["JSON without a type", answer(tokenAnswer(), "")],
  ["JSON as a script", answer(`/**/cb(${tokenAnswer()})`, "Content-Type: text/javascript\r\n")],
  ["JSON behind a guard", answer(`)]}'\n${tokenAnswer()}`)],
  ["JSON of two types", answer(tokenAnswer(), `Content-Type: text/html\r\n${JSON_TYPE}`)],
  ["JSON with another status", answer(tokenAnswer()).replace("200 OK", "203 OK")],
  ["JSON with a name twice", answer(`{"access_token":"${MINTED}","access_token":"${RENEWS}"}`)],
  ["JSON that is cut off", `HTTP/1.1 200 OK\r\nConnection: close\r\n${JSON_TYPE}\r\n{"access_token":"${MINTED}`],
  ["a nested object", answer(`{"ok":true,"authed_user":{"id":"U1","access_token":"${MINTED}"}}`)],
  ["a list", answer(`{"data":[{"name":"page","access_token":"${MINTED}"},{"access_token":"${RENEWS}"}]}`)],
  ["deep nesting", answer(`${"[".repeat(2000)}{"access_token":"${MINTED}"}${"]".repeat(2000)}`)],
  ["names in camel case", answer(`{"accessToken":"${MINTED}","expiresIn":1,"refreshToken":"${RENEWS}"}`)],
  ["a login of Vault", answer(`{"auth":{"client_token":"${MINTED}","lease_duration":60}}`)],
  ["GitHub's token of an installation", answer(github)],
  ["the same, behind its expiry", answer(`{"expires_at":"2030","a":[{"b":"}"}],"token":"${MINTED}"}`)],
  ["a token of Kubernetes", answer(`{"status":{"expirationTimestamp":"2030","token":"${MINTED}"}}`)],
  ["the same token under two names", answer(`{"token":"${MINTED}","access_token":"${MINTED}","expires_in":300}`)],
  ["a form", answer(`access_token=${encodeURIComponent(MINTED)}&scope=repo&token_type=bearer`, FORM_TYPE)],
  ["a form without a length", chunked(`a=1&access_token=${encodeURIComponent(MINTED)}`, 9, FORM_TYPE)],
  [
    "a form as plain text",
    answer(`access_token=${encodeURIComponent(MINTED)}&expires=5`, "Content-Type: text/plain\r\n"),
  ],
  ["XML", answer(`<OAuth><access_token>${MINTED}</access_token></OAuth>`, "Content-Type: application/xml\r\n")],
  [
    "XML with a namespace",
    answer(`<a:b xmlns:a="x"><a:access_token t="1"><![CDATA[${MINTED}]]></a:access_token></a:b>`, XML_TYPE),
  ],
  [
    "a redirect",
    `HTTP/1.1 302 Found\r\nLocation: /cb#access_token=${encodeURIComponent(MINTED)}\r\nContent-Length: 0\r\n\r\n`,
  ],
  [
    "the head of the answer that mints it",
    answer(tokenAnswer(), `${JSON_TYPE}X-Token: ${MINTED}\r\nLocation: /?t=${encodeURIComponent(MINTED)}\r\n`),
  ],
  ["the body before it", chunked(`{"note":"${MINTED} ${btoa(MINTED)}","access_token":"${MINTED}"}`, 5)],
  ["the body behind it", answer(tokenAnswer(`,"echo":"${encodeURIComponent(MINTED)}"`))],
  ["a large answer", answer(tokenAnswer(`,"scope":"${"x".repeat(LIMITS.wholeBodyBytes)}","echo":"${MINTED}"`))],
  [
    "a large answer in pieces",
    chunked(`{"scope":"${"x".repeat(LIMITS.wholeBodyBytes)}",${tokenAnswer().slice(1)}`, 1009),
  ],
  ["a large answer of GitHub's", answer(github.replace("}}", `},"repositories":["${"x".repeat(99_000)}"]}`))],
];

Deno.test("TM-06 a credential that a host gives out is replaced by a token, however it is written", async () => {
  await eachCase(ANSWERS, async ([, response]) => {
    await using lab = await openLab({ respond: () => response });
    const given = await call(lab);
    assertHidden(given);
    const token = TOKEN_REGEXP.exec(given.head + given.body)?.[0];
    assert.ok(token !== undefined, given.body);
    assert.ok(given.whole);
    assert.deepEqual(lab.refusals, []);
    // And it works.
    assert.ok((await call(lab, { token })).status < 400);
    const sent = lab.upstream.requests[1]!;
    assert.ok(sent.includes(`Bearer ${MINTED}\r\n`) || sent.includes(`Bearer ${RENEWS}\r\n`), sent);
  });
});

const KEPT: readonly (readonly [why: string, body: string, fields: string])[] = [
  ["a token without an expiry", `{"token":"${MINTED}"}`, JSON_TYPE],
  [
    "a token whose object has no expiry",
    `{"token":"${MINTED}","a":{"expires_at":1},"b":[{"expires_at":1}]}`,
    JSON_TYPE,
  ],
  ["a token beside an object with one", `[{"expires_at":1},{"token":"${MINTED}"}]`, JSON_TYPE],
  ["a value that is no string", `{"access_token":null,"id_token":{"a":["${MINTED}"]},"refresh_token":17}`, JSON_TYPE],
  ["a name that is a value", `{"scope":"access_token","x":"${MINTED}"}`, JSON_TYPE],
  ["an empty value", `{"access_token":"","x":"${MINTED}"}`, JSON_TYPE],
  ["a page", `<p>"access_token": "${MINTED}"</p>`, "Content-Type: text/html\r\n"],
  ["a text", `Send "access_token": "${MINTED}"`, "Content-Type: text/plain\r\n"],
  ["bytes", tokenAnswer(), "Content-Type: application/octet-stream\r\n"],
];

for (const [why, body, fields] of KEPT) {
  Deno.test(`TM-06 ${why} goes on as it came`, async () => {
    await using lab = await openLab({ respond: () => answer(body, fields) });
    assert.equal((await call(lab)).body, body);
    assert.deepEqual(lab.minted, []);
  });
}

Deno.test("TM-06 the answer to a request without a secret goes on as it came", async () => {
  await using lab = await openLab({ respond: () => answer(tokenAnswer()) });
  assert.equal((await call(lab, { token: "" })).body, tokenAnswer());
});

Deno.test("TM-06 a minted credential is told to the operator once, by secret, field and host", async () => {
  await using lab = await openLab({ respond: () => answer(tokenAnswer()) });
  const first = members(await call(lab));
  const second = members(await call(lab));
  assert.deepEqual(second, first, "what is given out again has the token that it had");
  assert.deepEqual(lab.minted, ["API_TOKEN access_token api.test", "API_TOKEN refresh_token api.test"]);
});

Deno.test("TM-06 a minted credential is replaced wherever it comes again, and refused where it goes out", async () => {
  const echo = `x ${MINTED} ${btoa(`user:${MINTED}`)} ${encodeURIComponent(MINTED)} ${CANARY}`;
  let count = 0;
  await using lab = await openLab({
    respond: () =>
      count++ === 0 ? answer(tokenAnswer()) : answer(echo, `X-Echo: ${MINTED}\r\nContent-Type: text/html\r\n`),
  });
  const { access_token: token } = members(await call(lab));
  const again = await call(lab, { token: "" });
  assertHidden(again);
  assert.ok(!again.body.includes(btoa(`user:${MINTED}`).slice(8, 40)));
  assert.ok(again.head.includes(`X-Echo: ${token}`) && again.body.includes(`x ${token} `));
  assert.ok(again.body.endsWith(` ${lab.token}`));
  const out = await call(lab, { token: "", fields: `X-A: ${btoa(MINTED)}\r\n` });
  assert.equal(out.status, 403);
  assert.match(out.body, /"POLICY_VALUE_OUTGOING"/);
});

Deno.test("TM-06 what renews others stands in the body's field alone, and what it renews has a token as well", async () => {
  const second = "minted-77aa0c1d55e2-second";
  let count = 0;
  await using lab = await openLab({
    respond: () => answer(count++ === 0 ? tokenAnswer() : `{"access_token":"${second}"}`),
  });
  const { access_token: access = "", refresh_token: refresh = "" } = members(await call(lab));
  const form = { token: "", body: `grant_type=refresh_token&refresh_token=${refresh}`, fields: FORM_TYPE };
  const renewed = await call(lab, form);
  assert.ok(lab.upstream.requests[1]!.endsWith(`&refresh_token=${RENEWS}`));
  assert.ok(!renewed.body.includes(second));
  const { access_token: third = "" } = JSON.parse(renewed.body);
  await call(lab, { token: third });
  assert.ok(lab.upstream.requests[2]!.includes(`Bearer ${second}\r\n`));
  const json = {
    token: "",
    body: `{"a":1,"refresh_token":"${refresh}"}`,
    fields: "Content-Type: application/json\r\n",
  };
  assert.equal((await call(lab, json)).status, 200);
  assert.ok(lab.upstream.requests[3]!.endsWith(`"refresh_token":"${RENEWS}"}`));
  const misplaced: Call[] = [
    { token: refresh },
    { token: "", path: `/?refresh_token=${refresh}` },
    { token: "", path: `/?access_token=${access}` },
    { token: "", body: `access_token=${access}`, fields: FORM_TYPE },
    { token: "", body: `{"files":{"a":"${refresh}"}}`, fields: JSON_TYPE },
    { token: "", fields: `Cookie: a=${access}\r\n` },
  ];
  for (const request of misplaced) {
    const refused = await call(lab, request);
    assert.equal(refused.status, 403);
    assert.match(refused.body, /"PROXY_TOKEN_MISPLACED"/);
  }
  assert.equal(lab.upstream.requests.length, 4);
  assert.deepEqual(lab.refusals.at(-1)?.facts.minted, "access_token");
});

const HOSTS:
  readonly (readonly [why: string, options: Parameters<typeof openLab>[0], both: boolean, status: number])[] = [
    ["a host of its secret", { hosts: ["api.test", "other.test"] }, false, 200],
    ["another host", { hosts: ["api.test"] }, false, 403],
    ["any host, where its secret may go to any", {}, false, 200],
    [
      "a host of both its secrets",
      { hosts: ["api.test", "other.test"], moreHosts: { B: ["api.test", "other.test"] } },
      true,
      200,
    ],
    ["a host of one of its secrets", { hosts: ["api.test", "other.test"], moreHosts: { B: ["api.test"] } }, true, 403],
    [
      "a host of the other of its secrets",
      { hosts: ["api.test"], moreHosts: { B: ["api.test", "other.test"] } },
      true,
      403,
    ],
    ["a host of its own", { hosts: ["api.test"], mintedHosts: ["other.test"] }, false, 200],
    [
      "a host of its secret that is none of its own",
      { hosts: ["api.test", "other.test"], mintedHosts: ["api.test"] },
      false,
      403,
    ],
    ["a path of its secret", { hosts: ["api.test", "other.test/a"] }, false, 403],
  ];

for (const [why, options, both, status] of HOSTS) {
  Deno.test(`TM-06 a minted credential bound for ${why} is ${status === 200 ? "sent" : "refused"}`, async () => {
    await using lab = await openLab({
      ...options,
      more: { B: "second-canary-51f7" },
      certificateFor: "api.test",
      respond: () => answer(tokenAnswer()),
    });
    const fields = both ? `X-B: ${lab.moreTokens.get("B")}\r\n` : "";
    const { access_token: token = "", refresh_token: refresh } = members(await call(lab, { fields }));
    // The refusal comes before anything is dialled: what is dialled has the other name's certificate.
    const used = await call(lab, { authority: "other.test", token });
    assert.equal(used.status, status === 200 ? 502 : 403, used.body);
    assert.match(used.body, status === 200 ? /"PROXY_UPSTREAM_CERTIFICATE"/ : /"POLICY_SECRET_HOST_DENIED"/);
    // Renewed, they may go nowhere else.
    const renewed = await call(lab, { token: "", body: `refresh_token=${refresh}`, fields: FORM_TYPE });
    if (renewed.status !== 200) return;
    assert.equal(JSON.parse(renewed.body).access_token, token);
  });
}

Deno.test("TM-06 what a refresh token alone renews is bound by every secret that it was got with", async () => {
  let count = 0;
  await using lab = await openLab({
    hosts: ["api.test", "other.test"],
    more: { B: "second-canary-51f7" },
    moreHosts: { B: ["api.test"] },
    respond: () => answer(count++ === 0 ? tokenAnswer() : `{"access_token":"minted-second-4411-value"}`),
  });
  const { refresh_token: refresh } = members(await call(lab, { fields: `X-B: ${lab.moreTokens.get("B")}\r\n` }));
  const body = `refresh_token=${refresh}`;
  const { access_token: token } = JSON.parse((await call(lab, { token: "", body, fields: FORM_TYPE })).body);
  const used = await call(lab, { authority: "other.test", token });
  assert.match(used.body, /"POLICY_SECRET_HOST_DENIED"/);
});

Deno.test("TM-06 a declared value in an answer keeps its own token and its own bounds", async () => {
  await using lab = await openLab({
    mintedHosts: ["other.test"],
    hosts: ["api.test"],
    respond: () => answer(`{"access_token":"${CANARY}","refresh_token":"abc-${CANARY}"}`),
  });
  const given = JSON.parse((await call(lab)).body);
  assert.deepEqual(given, { access_token: lab.token, refresh_token: `abc-${lab.token}` });
  assert.deepEqual(lab.minted, []);
});

Deno.test("TM-06 a JWT becomes what programs can read as one", async () => {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  const jwt = `${part({ alg: "RS256", typ: "JWT" })}.${
    part({ sub: "user-canary", jti: crypto.randomUUID() })
  }.c2lnbmVk`;
  await using lab = await openLab({ respond: () => answer(`{"id_token":"${jwt}"}`) });
  const { id_token: token } = JSON.parse((await call(lab)).body);
  assert.ok(token.startsWith(JWT_TOKEN_PREFIX));
  assert.equal(JSON.parse(atob(token.split(".")[1])).iss, "keyzero");
  await call(lab, { token });
  assert.ok(lab.upstream.requests[1]!.includes(`Bearer ${jwt}\r\n`));
  const misplaced = await call(lab, { token: "", path: `/?a=${token}` });
  assert.match(misplaced.body, /"PROXY_TOKEN_MISPLACED"/);
});

Deno.test("TM-06 a text that a program has minted takes nothing away from a value beside it", async () => {
  const chosen = `key1=abcdefghijk${CANARY.slice(0, 3)}`;
  const echo = `<p>${chosen}${CANARY.slice(3)} ${CANARY}0123456789</p>`;
  let count = 0;
  const answers = [
    answer(`{"access_token":"${chosen}"}`),
    answer(`{"access_token":"${CANARY.slice(-3)}0123456789abc"}`),
  ];
  await using lab = await openLab({ respond: () => answers[count++] ?? answer(echo, "Content-Type: text/html\r\n") });
  await call(lab);
  await call(lab);
  const { body } = await call(lab, { token: "" });
  for (let at = 0; at + 6 <= CANARY.length; at++) assert.ok(!body.includes(CANARY.slice(at, at + 6)), body);
});

Deno.test("TM-06 a common word that is minted has a token and is left alone elsewhere", async () => {
  let count = 0;
  await using lab = await openLab({
    respond: () => count++ === 0 ? answer(`{"access_token":"Transfer-Encoding"}`) : chunked("hello", 5),
  });
  const { access_token: token = "" } = members(await call(lab));
  assert.match(token, TOKEN_REGEXP);
  assert.equal((await call(lab, { token })).body, "hello");
  assert.ok(lab.upstream.requests[1]!.includes("Bearer Transfer-Encoding\r\n"));
});

Deno.test("TM-06 a stream that was open before is searched for what is minted while it is", async () => {
  const minted = Promise.withResolvers<void>();
  await using lab = await openLab({
    async respond(request, conn) {
      if (!request.startsWith("GET /stream")) return answer(tokenAnswer());
      await conn.write(
        new TextEncoder().encode(
          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
        ),
      );
      await minted.promise;
      return `data: ${MINTED}\n\n`;
    },
  });
  using stream = await lab.client();
  await stream.send("GET /stream HTTP/1.1\r\nHost: api.test\r\n\r\n");
  await stream.waitFor("data: 1");
  const { access_token: token } = members(await call(lab));
  minted.resolve();
  assert.ok((await stream.waitFor(`data: ${token}\n`)).includes(token!));
});

Deno.test("TM-06 a watch that answers in JSON for hours is not held back", async () => {
  const goOn = Promise.withResolvers<void>();
  await using lab = await openLab({
    async respond(_, conn) {
      const event = '{"type":"ADDED","object":{"a":1}}\n';
      await conn.write(new TextEncoder().encode(`HTTP/1.1 200 OK\r\nConnection: close\r\n${JSON_TYPE}\r\n${event}`));
      await goOn.promise;
      return `{"access_token":"${MINTED}"}\n`;
    },
  });
  using client = await lab.client();
  await client.send(`GET / HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${lab.token}\r\n\r\n`);
  await client.waitFor("ADDED");
  goOn.resolve();
  const text = await client.waitFor("kz_masked_");
  assert.ok(!text.includes(MINTED));
});

Deno.test("TM-06 of too many minted credentials the longest unused is refused, and searched for still", async () => {
  await withLimits({ mintedTokens: 2 }, async () => {
    const values = [1, 2, 3].map((number) => `minted-value-number-${number}`);
    let count = 0;
    await using lab = await openLab({
      respond: () => count < 3 ? answer(`{"access_token":"${values[count++]}"}`) : answer(values.join(" "), ""),
    });
    const tokens: string[] = [];
    for (const _ of values) tokens.push(members(await call(lab)).access_token!);
    const refused = await call(lab, { token: tokens[0]! });
    assert.match(refused.body, /"PROXY_TOKEN_UNKNOWN"/);
    const { body } = await call(lab, { token: tokens[1]! });
    assert.equal(body, tokens.join(" "));
  });
});

Deno.test("TM-06 minted credentials take a bounded place, and the one in use stays", async () => {
  await withLimits({ mintedTokens: 4, mintedValues: 8 }, async () => {
    let count = 0;
    await using lab = await openLab({ respond: () => answer(`{"access_token":"minted-value-number-${count++}"}`) });
    const { access_token: used = "" } = members(await call(lab));
    for (let round = 0; round < 20; round++) {
      await call(lab);
      assert.equal((await call(lab, { token: used })).status, 200);
    }
  });
});

Deno.test("TM-06 mints: an empty list lets credentials go on, a list names other fields", async () => {
  const body = `{"access_token":"${MINTED}","session_key":"${RENEWS}"}`;
  await using off = await openLab({ mints: [], respond: () => answer(body) });
  assert.equal((await call(off)).body, body);
  await using named = await openLab({ mints: ["session_key"], respond: () => answer(body) });
  const given = JSON.parse((await call(named)).body);
  assert.equal(given.access_token, MINTED);
  assert.match(given.session_key, TOKEN_REGEXP);
});

Deno.test("TM-06 a form or a credential that is too long to be looked at is not passed on", async () => {
  const long = "x".repeat(LIMITS.mintedFieldBytes + 10);
  for (
    const response of [
      answer(`a=${long}&access_token=${MINTED}`, FORM_TYPE),
      chunked(`{"scope":"${long}","access_token":"${MINTED}${long.repeat(4)}"}`, 4096),
    ]
  ) {
    await using lab = await openLab({ respond: () => response });
    const given = await call(lab);
    assert.ok(!(given.head + given.body).includes(MINTED));
    assert.ok(given.status === 502 || !given.whole);
  }
});
