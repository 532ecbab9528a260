import assert from "node:assert/strict";
import { type HostGrant, parseHostGrant } from "./host_pattern.ts";
import { parseHost } from "./host.ts";
import { DEFAULT_PLACEMENTS, mayStand, NEVER_SWAPPED, parsePlacement } from "./placement.ts";
import { isPublicSuffix } from "./public_suffix.ts";
import { SERVICE_NAMES } from "./service_name.ts";
import { getService, SERVICES } from "./services.ts";
import { makeShapedToken, parseTokenShape } from "./token_shape.ts";

const ROWS = [...SERVICES.values()].flat();

function hostOf({ pattern }: HostGrant): string {
  return pattern.kind === "exact" ? pattern.host : pattern.suffix;
}

for (const row of ROWS) {
  Deno.test(`the service ${row.name} is one that the parsers read`, () => {
    assert.match(row.name, /^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    assert.equal(row.title.trim(), row.title);
    assert.notEqual(row.title, "");
    for (const text of row.hosts) {
      const grant = parseHostGrant(text);
      const host = hostOf(grant);
      // Canonical, so that a reader and a search see what is compared.
      assert.equal(text, `${grant.pattern.kind === "suffix" ? "*." : ""}${host}${grant.pathPrefix ?? ""}`);
      assert.equal(grant.port, undefined);
      assert.ok(host.includes(".") && !/^[\d.]+$/.test(host), "a public name is expected");
      assert.equal(isPublicSuffix(parseHost(host)), false, `anybody can have a name in ${text}`);
    }
    assert.equal(new Set(row.hosts).size, row.hosts.length);
    assert.ok(row.in.length > 0);
    for (const text of row.in) {
      const placement = parsePlacement(text);
      if (placement.kind === "header" && placement.name !== undefined) {
        assert.equal(text, `header:${placement.name}`, "lower case is expected");
        assert.ok(!NEVER_SWAPPED.has(placement.name));
        assert.ok(mayStand([placement], { kind: "header", name: placement.name }));
      }
      // In any parameter or field, a value could be stored and read back (TM-04).
      if (placement.kind === "query") assert.notEqual(placement.name, undefined);
      if (placement.kind === "body") assert.notEqual(placement.field, undefined);
    }
    assert.equal(new Set(row.in).size, row.in.length);
    if (row.shape !== undefined) {
      makeShapedToken(parseTokenShape(row.shape), (count) => crypto.getRandomValues(new Uint8Array(count)));
    }
    const docs = new URL(row.docs);
    assert.equal(docs.protocol, "https:");
    assert.equal(docs.username + docs.password + docs.search + docs.port, "");
    assert.ok(!row.note?.includes("|") && !row.note?.includes("\n"), "a note stands in a table");
  });

  Deno.test(`the service ${row.name} names hosts, or what the operator's own looks like`, () => {
    assert.equal(row.ownHost === undefined, row.hosts.length > 0);
    if (row.ownHost !== undefined) assert.equal(hostOf(parseHostGrant(row.ownHost)), row.ownHost);
    const service = getService(row.name);
    assert.deepEqual(service.hosts, row.hosts.map(parseHostGrant));
    assert.deepEqual(service.in, row.in.map(parsePlacement));
    assert.deepEqual(service.shape, row.shape === undefined ? undefined : parseTokenShape(row.shape));
    assert.equal(service.ownHost, row.ownHost);
  });
}

Deno.test("the catalogue has the services of the list of names, each once, in order", () => {
  assert.deepEqual(ROWS.map(({ name }) => name).toSorted(), [...SERVICE_NAMES]);
  assert.equal(new Set(SERVICE_NAMES).size, SERVICE_NAMES.length);
  assert.equal(new Set(ROWS.map(({ title }) => title)).size, ROWS.length);
  for (const [kind, rows] of SERVICES) {
    const names = rows.map(({ name }) => name);
    assert.deepEqual(names, names.toSorted(), kind);
  }
});

Deno.test("the catalogue has at least 65 services", () => assert.ok(ROWS.length >= 65));

/** Wildcards let a secret go to every name below, so that each was looked at on its own. */
const WILDCARDS = [
  "*.algolia.net",
  "*.algolianet.com",
  "*.amazonaws.com",
  "*.api.mailchimp.com",
  "*.atlassian.net",
  "*.cloud.qdrant.io",
  "*.openai.azure.com",
  "*.pinecone.io",
  "*.zendesk.com",
];
Deno.test("TM-13 the catalogue has no wildcard but those that were looked at", () => {
  const found = ROWS.flatMap(({ hosts }) => hosts).filter((host) => host.includes("*"));
  assert.deepEqual(found.toSorted(), WILDCARDS);
});

Deno.test("TM-15 no two services of the catalogue share a host", () => {
  const hosts = ROWS.flatMap((row) => row.hosts);
  assert.deepEqual(hosts.filter((host, at) => hosts.indexOf(host) !== at), []);
});

Deno.test("TM-15 the service aws leaves the places at their default: a pair of keys then signs and stands nowhere", () => {
  // Customers have names below amazonaws.com, who could read a key that stands in a header.
  assert.deepEqual(getService("aws").in, DEFAULT_PLACEMENTS);
});
