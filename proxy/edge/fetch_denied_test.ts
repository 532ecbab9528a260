import assert from "node:assert/strict";
import { parseResourceRef } from "../../policy/server/resource_ref.ts";
import { CANARY, utf8 } from "../testing/lab.ts";
import type { FetchCommand } from "./protocol.ts";
import { isDenial, type LabResource, openFetchLab, text } from "./testing/fetch_lab.ts";

const DENIED: readonly (readonly [
  why: string,
  command: Partial<FetchCommand>,
  resource: LabResource,
  code: string,
])[] = [
  ["a URL with user information", { url: "https://user:pass@api.test/" }, {}, "URL_INVALID"],
  ["the allowed host as user information", { url: "https://api.test@other.test/" }, {}, "URL_INVALID"],
  ["clear text", { url: "http://api.test/" }, {}, "URL_INVALID"],
  ["a fragment", { url: "https://api.test/#x" }, {}, "URL_INVALID"],
  ["another host", { url: "https://other.test/" }, {}, "TARGET_DENIED"],
  ["another port", { url: "https://api.test:8443/" }, {}, "TARGET_DENIED"],
  ["another method", { method: "DELETE" }, { methods: ["GET"] }, "TARGET_DENIED"],
  ["another path", { url: "https://api.test/b" }, { paths: ["/a*"] }, "TARGET_DENIED"],
  ["a path that climbs in escapes", { url: "https://api.test/a/..%2fb" }, { paths: ["/a/*"] }, "TARGET_DENIED"],
  ["a path beside the host's prefix", { url: "https://api.test/acmex" }, { hosts: ["api.test/acme"] }, "TARGET_DENIED"],
  ["a resource without hosts", {}, { hosts: [] }, "TARGET_DENIED"],
  ["a header that collides", { headers: [["authorization", "Bearer mine"]] }, {}, "HEADER_COLLIDES"],
  ["a parameter that collides", { url: "https://api.test/?KEY=x" }, { location: "query:key" }, "HEADER_COLLIDES"],
  ["a header with a line break", { headers: [["A", "x\r\nB: y"]] }, {}, "REQUEST_INVALID"],
  ["the method TRACE", { method: "TRACE" }, {}, "REQUEST_INVALID"],
  ["a body that is too large", { method: "PUT", body: new Uint8Array(2 ** 20 + 1) }, {}, "BODY_TOO_LARGE"],
  ["a masked token", { headers: [["X-A", "KZ_TOK_1abcdef"]] }, {}, "REQUEST_INVALID"],
];
for (const [why, command, resource, code] of DENIED) {
  Deno.test(`TM-34 EdgeFetcher sends nothing for ${why}, and says so in the audit log`, async () => {
    await using lab = await openFetchLab({ resources: [resource] });
    await assert.rejects(lab.fetch(command), isDenial(code));
    assert.equal(lab.host.connections, 0);
    const [line, ...more] = lab.audit;
    assert.deepEqual([line?.outcome, line?.code, more.length], ["denied", code, 0]);
    if (code !== "REQUEST_INVALID") assert.deepEqual(lab.vault.reads, []);
  });
}

for (const spelling of ["127.0.0.1", "2130706433", "0177.1", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost"]) {
  Deno.test(`TM-13 EdgeFetcher takes ${spelling} for no host that is allowed`, async () => {
    await using lab = await openFetchLab();
    await assert.rejects(lab.fetch({ url: `https://${spelling}:${lab.host.port}/` }), isDenial("TARGET_DENIED"));
    assert.equal(lab.host.connections, 0);
  });
}

Deno.test("TM-17 EdgeFetcher sends no value that it holds, of whichever resource", async () => {
  const other = `other-${CANARY}`;
  await using lab = await openFetchLab({
    resources: [{}, { ref: "other", secret: "other-pat" }],
    values: { "github-pat": CANARY, "other-pat": other },
  });
  await lab.fetch({ ref: parseResourceRef("other") });
  const body = utf8(JSON.stringify({ content: btoa(`xx${other}`) }));
  await assert.rejects(lab.fetch({ method: "POST", body }), isDenial("REQUEST_INVALID", /secret value/));
  // Its own value is read before anything is decided about the bytes.
  await assert.rejects(
    lab.fetch({ url: `https://api.test/?a=${CANARY}` }),
    isDenial("REQUEST_INVALID", /secret value/),
  );
  assert.equal(lab.host.requests.length, 1);
  assert.deepEqual(lab.audit.slice(2).map(({ outcome, code }) => [outcome, code]), [
    ["denied", "REQUEST_INVALID"],
    ["denied", "REQUEST_INVALID"],
  ]);
});

for (const location of ["header:Authorization:Bearer", "basic:git", "query:key"]) {
  Deno.test(`TM-22 EdgeFetcher sends no value with a line break at ${location}`, async () => {
    await using lab = await openFetchLab({
      resources: [{ location }],
      values: { "github-pat": `${CANARY}\r\nX-Evil: 1` },
    });
    await assert.rejects(lab.fetch(), isDenial("SECRET_UNUSABLE", /control characters/));
    assert.equal(lab.host.connections, 0);
    assert.deepEqual([lab.audit.length, lab.audit[0]?.outcome, lab.audit[0]?.code], [1, "error", "SECRET_UNUSABLE"]);
  });
}

Deno.test("TM-34 EdgeFetcher does not take the host of a wildcard for the names above it", async () => {
  await using lab = await openFetchLab({
    resources: [{ hosts: ["*.api.test"] }],
    names: ["a.api.test"],
    certificateFor: "a.api.test",
  });
  assert.equal(text(await lab.fetch({ url: "https://a.api.test/" })), "hello");
  await assert.rejects(lab.fetch({ url: "https://api.test/" }), isDenial("TARGET_DENIED"));
});
