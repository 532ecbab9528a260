import assert from "node:assert/strict";
import type { HostGrant } from "../../policy/host_pattern.ts";
import { answer, type FetchLabOptions, isDenial, labResource, openFetchLab, text } from "./testing/fetch_lab.ts";

const PEERS: readonly (readonly [why: string, options: FetchLabOptions])[] = [
  ["the certificate of another name", { certificateFor: "other.test" }],
  ["a certificate of nobody that is trusted", { trusted: false }],
  ["a certificate that has expired", { certifiedAt: new Date(Date.now() - 400 * 86_400_000) }],
];
for (const [why, options] of PEERS) {
  Deno.test(`TM-34 EdgeFetcher sends nothing to a host with ${why}`, async () => {
    await using lab = await openFetchLab(options);
    await assert.rejects(lab.fetch(), isDenial("UPSTREAM_CERTIFICATE"));
    assert.equal(lab.host.received, "");
    assert.equal(lab.audit.at(-1)?.code, "UPSTREAM_CERTIFICATE");
  });
}

/** A suffix that an address ends in, as no bundle can hold it: the host is allowed, and not named. */
const WILDCARD: HostGrant["pattern"] = JSON.parse('{"kind":"suffix","suffix":"0.0.1"}');

Deno.test("TM-12 EdgeFetcher goes to a private address that the bundle names, and to no other", async () => {
  // Nothing is led elsewhere: the address itself is dialled.
  const exact = (port: number) => labResource({ hosts: [`127.0.0.1:${port}`] });
  let port = 0;
  const grants: HostGrant[] = [];
  await using lab = await openFetchLab({
    parsed: [{ ...labResource(), hosts: grants }],
    names: [],
    certificateFor: "127.0.0.1",
  });
  port = lab.host.port;
  const url = `https://127.0.0.1:${port}/`;
  grants.push({ pattern: WILDCARD, port, pathPrefix: undefined });
  await assert.rejects(lab.fetch({ url }), isDenial("UPSTREAM_ADDRESS_DENIED"));
  assert.equal(lab.host.connections, 0);
  assert.deepEqual([lab.audit.at(-1)?.outcome, lab.audit.at(-1)?.code], ["denied", "UPSTREAM_ADDRESS_DENIED"]);
  grants.push(...exact(port).hosts);
  assert.equal(text(await lab.fetch({ url })), "hello");
  assert.equal(text(await lab.fetch({ url: `https://2130706433:${port}/` })), "hello");
});

const REDIRECTS = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"];
for (const status of REDIRECTS) {
  Deno.test(`TM-11 EdgeFetcher answers ${status} as it is, and follows it neither elsewhere nor on the same host`, async () => {
    let location = "https://other.test/steal";
    await using lab = await openFetchLab({
      resources: [{ hosts: ["api.test", "other.test"] }],
      respond: () => answer("moved", `Location: ${location}\r\nRefresh: 0; url=${location}\r\n`, status),
    });
    for (location of [location, "https://api.test/there", "/there", "//other.test/"]) {
      const reply = await lab.fetch();
      assert.equal(reply.status, Number(status.slice(0, 3)));
      assert.deepEqual(reply.headers, [["location", location]]);
    }
    assert.equal(lab.host.requests.length, 4);
    for (const request of lab.host.requests) assert.match(request, /^GET \/ HTTP\/1\.1\r\nHost: api\.test\r\n/);
  });
}
