import assert from "node:assert/strict";
import { CANARY, CLOSE, openLab } from "../testing/lab.ts";

const request = (host: string, token: string, path = "/") =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n${CLOSE}\r\n`;

Deno.test("TM-15 a secret's token bound for another secret's host is refused and nothing is sent", async () => {
  await using lab = await openLab({ hosts: ["api.test"], certificateFor: "other.test" });
  const answer = await lab.inside(request("other.test", lab.token), "other.test:443");
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /"POLICY_SECRET_HOST_DENIED"/);
  assert.equal(lab.upstream.connections, 0);
  // The operator is told which secret; the contained program is not.
  assert.equal(lab.refusals[0]?.facts.secret, "API_TOKEN");
  assert.equal(lab.refusals[0]?.facts.host, "other.test");
  assert.ok(!answer.includes("API_TOKEN") && !answer.includes(CANARY));
});

Deno.test("TM-15 each token goes to its own host, on the same proxy", async () => {
  await using lab = await openLab({ hosts: ["api.test"], certificateFor: "other.test" });
  assert.match(await lab.inside(request("other.test", lab.secondToken), "other.test:443"), /^HTTP\/1\.1 200 /);
  assert.ok(lab.upstream.requests[0]!.includes(`Bearer other-${CANARY}\r\n`));
});

Deno.test("TM-15 one token that may go and one that may not refuse the request as a whole", async () => {
  await using lab = await openLab({ hosts: ["api.test"] });
  const answer = await lab.inside(
    `GET / HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${lab.token}\r\nX-B: ${lab.secondToken}\r\n${CLOSE}\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.equal(lab.upstream.received, "");
  assert.equal(lab.refusals[0]?.facts.secret, "OTHER_TOKEN");
});

Deno.test("TM-15 a token inside Basic is bound to its hosts as well", async () => {
  await using lab = await openLab({ hosts: ["other.test"] });
  const basic = `Authorization: Basic ${btoa(`user:${lab.token}`)}\r\n`;
  const answer = await lab.inside(`GET / HTTP/1.1\r\nHost: api.test\r\n${basic}${CLOSE}\r\n`);
  assert.match(answer, /"POLICY_SECRET_HOST_DENIED"/);
  assert.equal(lab.upstream.received, "");
});

Deno.test("TM-15 a token of another run is refused", async () => {
  await using lab = await openLab();
  const answer = await lab.inside(request("api.test", `kz_masked_${"0".repeat(32)}`));
  assert.match(answer, /"PROXY_TOKEN_UNKNOWN"/);
  assert.equal(lab.upstream.received, "");
});

const GRANTS: readonly (readonly [grant: string, path: string, authority: string, status: number])[] = [
  ["api.test/repos/acme", "/repos/acme", "api.test:443", 200],
  ["api.test/repos/acme", "/repos/acme/x?y", "api.test:443", 200],
  ["api.test/repos/acme", "/repos/acme2", "api.test:443", 403],
  ["api.test/repos/acme", "/repos", "api.test:443", 403],
  ["api.test/repos/acme", "/repos/acme/../evil", "api.test:443", 403],
  ["api.test/repos/acme", "/repos/acme/%2e%2e/evil", "api.test:443", 403],
  ["api.test/repos/acme", "/repos/acme//x", "api.test:443", 403],
  ["api.test/repos/acme", "/REPOS/acme", "api.test:443", 403],
  ["api.test/repos/", "/repos/", "api.test:443", 200],
  ["api.test/repos/", "/repos", "api.test:443", 403],
  ["api.test:8443", "/", "api.test:8443", 200],
  ["api.test:8443", "/", "api.test:443", 403],
  ["api.test", "/", "api.test:8443", 403],
  ["API.TEST", "/", "api.test:443", 200],
];

for (const [grant, path, authority, status] of GRANTS) {
  Deno.test(`TM-14 a secret for ${grant} on ${authority}${path} is answered ${status}`, async () => {
    await using lab = await openLab({ hosts: [grant] });
    const answer = await lab.inside(request(authority.replace(/:443$/, ""), lab.token, path), authority);
    assert.equal(Number(answer.slice(9, 12)), status);
    assert.equal(lab.upstream.requests.length, status === 200 ? 1 : 0);
  });
}
