import assert from "node:assert/strict";
import { parseResourceRef } from "../../policy/server/resource_ref.ts";
import { CANARY, okay, utf8 } from "../testing/lab.ts";
import { withShortLimit } from "../testing/with_short_limit.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import { answer, isDenial, labResource, openFetchLab, text, withEdgeLimits } from "./testing/fetch_lab.ts";

const LOCATIONS: readonly (readonly [location: string, value: string, sent: RegExp])[] = [
  ["header:Authorization:Bearer", CANARY, new RegExp(`^Authorization: Bearer ${CANARY}\r$`, "m")],
  ["header:X-Api-Key:", CANARY, new RegExp(`^X-Api-Key: ${CANARY}\r$`, "m")],
  ["basic:git", CANARY, new RegExp(`^Authorization: Basic ${btoa(`git:${CANARY}`)}\r$`, "m")],
  ["query:key", "a&b=c d+e", /^GET \/repos\?page=2&key=a%26b%3Dc%20d%2Be HTTP\/1\.1\r$/m],
];
for (const [location, value, sent] of LOCATIONS) {
  Deno.test(`EdgeFetcher sends a request with the value at ${location} and gives status, headers and body [S-5.5]`, async () => {
    await using lab = await openFetchLab({
      resources: [{ location }],
      values: { "github-pat": value },
      respond: () => answer('{"a":1}', "Content-Type: application/json\r\nSet-Cookie: session=1\r\nX-Other: 1\r\n"),
    });
    const reply = await lab.fetch({ url: "https://api.test/repos?page=2", headers: [["Accept", "application/json"]] });
    assert.deepEqual({ ...reply, body: text(reply) }, {
      status: 200,
      headers: [["content-type", "application/json"]],
      body: '{"a":1}',
      truncated: false,
    });
    const [request = ""] = lab.host.requests;
    assert.match(request, sent);
    assert.match(request, /^Host: api\.test\r$/m);
    assert.match(request, /^Accept: application\/json\r$/m);
    assert.match(request, /^Accept-Encoding: identity\r$/m);
    assert.equal(
      request.split("Authorization:").length,
      location.startsWith("query") || location.includes("Key") ? 1 : 2,
    );
  });
}

Deno.test("EdgeFetcher sends a body as it is", async () => {
  await using lab = await openFetchLab();
  await lab.fetch({ method: "POST", headers: [["Content-Type", "application/json"]], body: utf8('{"title":"é"}') });
  assert.match(lab.host.requests[0]!, /^POST \/ [^]*\r\nContent-Length: 14\r\n\r\n\{"title":"\u00c3\u00a9"\}$/);
});

Deno.test("EdgeFetcher reads the secret of a glob by the ref that was asked for, by its own bundle", async () => {
  await using lab = await openFetchLab({
    resources: [{ ref: "db/**", hosts: ["evil.test"] }, { ref: "github/**", secret: "tokens/{ref}" }],
    values: { "tokens/github/a/b": CANARY },
  });
  // What the front says that the resource is does not matter.
  const lie = labResource({ hosts: ["api.test", "other.test"], secret: "admin" });
  await lab.fetch({ ref: parseResourceRef("github/a/b"), resource: lie });
  assert.deepEqual(lab.vault.reads, ["tokens/github/a/b"]);
  await assert.rejects(
    lab.fetch({ ref: parseResourceRef("github/a"), resource: lie, url: "https://other.test/" }),
    isDenial("TARGET_DENIED"),
  );
  await assert.rejects(lab.fetch({ ref: parseResourceRef("aws/a"), resource: lie }), isDenial("RESOURCE_UNKNOWN"));
  assert.equal(lab.host.requests.length, 1);
});

Deno.test("EdgeFetcher reads a value once for a hundred fetches", async () => {
  await using lab = await openFetchLab();
  await Promise.all(Array.from({ length: 100 }, () => lab.fetch()));
  assert.equal(lab.host.requests.length, 100);
  assert.deepEqual(lab.vault.reads, ["github-pat"]);
});

Deno.test("EdgeFetcher says that a value cannot be read, and asks no host", async () => {
  await using lab = await openFetchLab({ values: {} });
  await assert.rejects(lab.fetch(), isDenial("SECRET_UNAVAILABLE", /no such item/));
  assert.equal(lab.host.connections, 0);
  assert.deepEqual([lab.audit.length, lab.audit[0]?.outcome, lab.audit[0]?.code], [1, "error", "SECRET_UNAVAILABLE"]);
});

Deno.test("EdgeFetcher reads a value anew after a 401, and not after every one", async () => {
  await withEdgeLimits({ unauthorizedPauseMs: 0 }, async () => {
    await using lab = await openFetchLab({
      respond: (request) =>
        request.includes("new-value") ? okay("in") : answer("", "WWW-Authenticate: Bearer\r\n", "401 No"),
    });
    const reply = await lab.fetch();
    assert.deepEqual([reply.status, reply.headers], [401, []]);
    lab.vault.values.set("github-pat", "new-value");
    assert.equal(text(await lab.fetch()), "in");
    await lab.fetch();
    assert.equal(lab.vault.reads.length, 2);
  });
  await using lab = await openFetchLab({ respond: () => answer("", "", "401 No") });
  await lab.fetch();
  await lab.fetch();
  assert.equal(lab.vault.reads.length, 1);
});

Deno.test("EdgeFetcher sends nothing before the audit log has acknowledged it, and ends with a line", async () => {
  const written = Promise.withResolvers<void>();
  let before: number | undefined;
  await using lab = await openFetchLab({
    onAudit: async () => {
      await written.promise;
      before ??= lab.host.connections;
    },
  });
  const fetching = lab.fetch({ url: "https://api.test/secret-path?q=private", method: "POST", body: utf8("x") });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(lab.host.connections, 0);
  written.resolve();
  await fetching;
  assert.equal(before, 0);
  const line = {
    event: "fetch",
    outcome: "allowed",
    ref: "github/pat",
    issuer: "internal",
    subject: "agent-7",
    policy: "agent-reads-github",
    method: "POST",
    host: "api.test",
    port: 443,
  };
  assert.deepEqual(lab.audit, [line, { ...line, status: 200 }]);
});

const UNWRITTEN: readonly (readonly [why: string, failing: number, requests: number])[] = [
  ["sends nothing when the log cannot be written", 0, 0],
  ["gives no answer when the log cannot be written after it", 1, 1],
];
for (const [why, failing, requests] of UNWRITTEN) {
  Deno.test(`EdgeFetcher ${why}`, async () => {
    let lines = 0;
    await using lab = await openFetchLab({
      onAudit: () => lines++ < failing ? Promise.resolve() : Promise.reject(new Error("disk full")),
    });
    await assert.rejects(lab.fetch(), isDenial("AUDIT_UNAVAILABLE"));
    assert.equal(lab.host.requests.length, requests);
  });
}

Deno.test("EdgeFetcher sends nothing when the log does not answer", async () => {
  await withShortLimit(EDGE_LIMITS.auditTimeoutMs, async () => {
    const never = Promise.withResolvers<void>();
    await using lab = await openFetchLab({ onAudit: () => never.promise });
    await assert.rejects(lab.fetch(), isDenial("AUDIT_UNAVAILABLE"));
    assert.equal(lab.host.connections, 0);
    never.resolve();
  });
});

Deno.test("TM-30 EdgeFetcher writes no value and nothing of a request's bytes into the log", async () => {
  await using lab = await openFetchLab({ respond: () => answer(CANARY, `Location: ${CANARY}\r\n`, "302 Found") });
  await lab.fetch({ url: "https://api.test/private-path?q=private-query", headers: [["X-A", "private-header"]] });
  await assert.rejects(lab.fetch({ method: `GET ${CANARY}`, url: `https://x:${CANARY}@api.test/` }));
  assert.equal(lab.audit.length, 3);
  const log = JSON.stringify(lab.audit);
  assert.ok(!log.includes(CANARY) && !log.includes("private"), log);
});
