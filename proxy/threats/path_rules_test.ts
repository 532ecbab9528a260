import assert from "node:assert/strict";
import { eachCase } from "../testing/each_case.ts";
import { CANARY, CLOSE, type Lab, type LabOptions, openLab } from "../testing/lab.ts";

function ask(lab: Lab, path: string, { method = "GET", token = true } = {}): Promise<string> {
  const field = token ? `Authorization: Bearer ${lab.token}\r\n` : "";
  return lab.inside(`${method} ${path} HTTP/1.1\r\nHost: api.test\r\n${field}${CLOSE}\r\n`);
}

/** Paths that some server reads as another than they look like, each below "/repos/acme" at first sight. */
const AMBIGUOUS: readonly (readonly [why: string, path: string])[] = [
  ["two dots", "/repos/acme/../evil"],
  ["two dots at the end", "/repos/acme/.."],
  ["one dot", "/repos/acme/./x"],
  ["escaped dots", "/repos/acme/%2e%2e/evil"],
  ["escaped dots in capitals", "/repos/acme/%2E%2E/evil"],
  ["one escaped dot", "/repos/acme/.%2e/evil"],
  ["an escaped slash", "/repos/acme%2f..%2fevil"],
  ["an escaped slash alone", "/repos/acme/a%2Fb"],
  ["an escaped backslash", "/repos/acme/..%5cevil"],
  ["two slashes", "/repos/acme//evil"],
  ["two slashes at the beginning", "//repos/acme/x"],
  ["a parameter", "/repos/acme/..;/evil"],
  ["a parameter at the end", "/repos/acme/x;a=b"],
  ["an escaped parameter", "/repos/acme/..%3b/evil"],
  ["a double escape", "/repos/acme/%252e%252e/evil"],
  ["a double escaped slash", "/repos/acme/..%252fevil"],
  ["an escaped letter", "/repos/acme/%61"],
  ["an escaped question mark", "/repos/acme%3fx"],
  ["an escaped number sign", "/repos/acme%23x"],
  ["an escaped NUL", "/repos/acme%00/evil"],
  ["an escaped line end", "/repos/acme/%0d%0a"],
];

const LOOKING: readonly (readonly [why: string, options: LabOptions, code: string])[] = [
  ["a grant with a path", { hosts: ["api.test/repos/acme"] }, "POLICY_SECRET_HOST_DENIED"],
  [
    "a rule with paths",
    { rules: [{ allow: true, host: "api.test", paths: ["/repos/acme/*"] }] },
    "POLICY_REQUEST_DENIED",
  ],
  [
    "a rule that denies paths",
    { rules: [{ allow: false, host: "api.test", paths: ["/admin/*"] }, { allow: true, host: "api.test" }] },
    "POLICY_REQUEST_DENIED",
  ],
];

for (const [why, options, code] of LOOKING) {
  Deno.test(`TM-19 ambiguous paths are refused where ${why} looks at them`, async () => {
    await using lab = await openLab(options);
    await eachCase(AMBIGUOUS, async ([, path]) => {
      const answer = await ask(lab, path);
      assert.match(answer, /^HTTP\/1\.1 403 /);
      assert.ok(answer.includes(`"${code}"`), answer);
    });
    assert.equal(lab.upstream.received, "");
    assert.match(await ask(lab, "/repos/acme/x?a=/../b;c//%2e"), /^HTTP\/1\.1 200 /);
  });
}

Deno.test("TM-19 ambiguous paths pass as they are where nothing looks at them", async () => {
  await using lab = await openLab({ rules: [{ allow: true, host: "api.test" }], hosts: ["api.test"] });
  await eachCase(AMBIGUOUS, async ([, path]) => assert.match(await ask(lab, path), /^HTTP\/1\.1 200 /));
  const sent = lab.upstream.requests.map((request) => request.split(" ")[1]);
  assert.deepEqual(sent.sort(), AMBIGUOUS.map(([, path]) => path).sort());
});

Deno.test("TM-19 a path with a token in it is decided as the child wrote it, and no value can climb", async () => {
  const options = { in: ["path"], value: "../../../etc/evil" };
  await using lab = await openLab(options);
  const answer = await lab.inside(`GET /bot${lab.token}/send HTTP/1.1\r\nHost: api.test\r\n${CLOSE}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.ok(lab.upstream.requests[0]!.startsWith("GET /bot..%2F..%2F..%2Fetc%2Fevil/send HTTP/1.1\r\n"));
});

Deno.test("TM-19 a backslash or a fragment in a target is never read", async () => {
  await using lab = await openLab();
  for (const path of ["/a\\..\\b", "/a#b"]) assert.match(await ask(lab, path), /^HTTP\/1\.1 400 /);
  assert.equal(lab.upstream.received, "");
});

/** Against a secret for `api.test/repos/acme`. */
const PREFIX: readonly (readonly [why: string, path: string, status: number])[] = [
  ["the path itself", "/repos/acme", 200],
  ["the path with a query", "/repos/acme?page=2", 200],
  ["a path below", "/repos/acme/x/y", 200],
  ["the path with a slash", "/repos/acme/", 200],
  ["a neighbour that begins alike", "/repos/acme-evil", 403],
  ["a neighbour with a dot", "/repos/acme.git", 403],
  ["a path above", "/repos", 403],
  ["the root", "/", 403],
  ["another tenant", "/repos/evil", 403],
  ["the path in capitals", "/repos/ACME", 403],
  ["the path in the query alone", "/?/repos/acme", 403],
  ["the path further down", "/x/repos/acme", 403],
];

Deno.test("TM-14 a secret that is bound to a path goes to that path alone", async () => {
  await using lab = await openLab({ hosts: ["api.test/repos/acme"] });
  await eachCase(PREFIX, async ([, path, status]) => {
    const answer = await ask(lab, path);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    if (status === 403) assert.match(answer, /"POLICY_SECRET_HOST_DENIED"/);
  });
  const allowed = PREFIX.filter(([, , status]) => status === 200).length;
  assert.equal(lab.upstream.requests.length, allowed);
  for (const request of lab.upstream.requests) assert.ok(request.includes(CANARY));
  // Without the token the rest of the host is open: the rules alone decide.
  assert.match(await ask(lab, "/repos/evil", { token: false }), /^HTTP\/1\.1 200 /);
});

const RULES: LabOptions["rules"] = [
  { allow: false, host: "api.test", paths: ["/repos/acme/secret"] },
  { allow: true, host: "api.test", methods: ["get", "HEAD"], paths: ["/repos/acme/*", "/user"] },
  { allow: true, host: "api.test", methods: ["POST"], paths: ["/gists"] },
];
const DECIDED: readonly (readonly [why: string, method: string, path: string, status: number])[] = [
  ["an allowed method and prefix", "GET", "/repos/acme/x", 200],
  ["an allowed method and exact path", "GET", "/user", 200],
  ["a query, which does not count", "GET", "/user?x=/gists", 200],
  ["another allowed method", "POST", "/gists", 200],
  ["a method that is not allowed there", "POST", "/user", 403],
  ["a method that no rule names", "DELETE", "/repos/acme/x", 403],
  ["a method that begins alike", "GETX", "/user", 403],
  ["a path below an exact one", "GET", "/user/keys", 403],
  ["a path that begins like an exact one", "GET", "/users", 403],
  ["a path above a prefix", "GET", "/repos/acme", 403],
  ["a path in capitals", "GET", "/USER", 403],
  ["a path that is denied before it is allowed", "GET", "/repos/acme/secret", 403],
];

Deno.test("TM-14 rules decide by method and path, on each request of a tunnel anew", async () => {
  await using lab = await openLab({ rules: RULES });
  await eachCase(DECIDED, async ([, method, path, status]) => {
    const answer = await ask(lab, path, { method });
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    if (status === 403) assert.match(answer, /"POLICY_REQUEST_DENIED"/);
  });
  using client = await lab.client();
  for (const [, method, path, status] of DECIDED) {
    await client.send(`${method} ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`);
    assert.equal((await client.response()).status, status, `${method} ${path}`);
  }
  assert.equal(lab.upstream.requests.length, 2 * DECIDED.filter(([, , , status]) => status === 200).length);
});

for (const name of ["X-HTTP-Method-Override", "X_HTTP_Method_Override", "X-Original-URL", "X-Rewrite-URL"]) {
  Deno.test(`TM-14 TM-19 ${name} is refused where a rule or a secret looks at paths, and passed where none does`, async () => {
    const request = `GET /ok HTTP/1.1\r\nHost: api.test\r\n${name}: DELETE\r\n${CLOSE}\r\n`;
    await using ruled = await openLab({ rules: [{ allow: true, host: "api.test", methods: ["GET"], paths: ["/ok"] }] });
    assert.match(await ruled.inside(request), /^HTTP\/1\.1 403 [^]*POLICY_REQUEST_DENIED/);
    assert.deepEqual(ruled.upstream.requests, []);
    await using bound = await openLab({ hosts: ["api.test/ok"] });
    assert.match(await bound.inside(request), /^HTTP\/1\.1 403 /);
    await using open = await openLab({ rules: [{ allow: true, host: "api.test" }] });
    assert.match(await open.inside(request), /^HTTP\/1\.1 200 /);
  });
}
