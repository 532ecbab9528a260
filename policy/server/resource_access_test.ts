import assert from "node:assert/strict";
import { parseHostGrant } from "../host_pattern.ts";
import { parseFetchUrl } from "./fetch_url.ts";
import { looksAtRequests, mayAccess, namesHost, type Restrictions } from "./resource_access.ts";

function restricted(hosts: readonly string[], more: Partial<Restrictions> = {}): Restrictions {
  return { hosts: hosts.map(parseHostGrant), methods: undefined, paths: undefined, ...more };
}

const API = restricted(["api.test"]);
const PATHS = restricted(["api.test"], { paths: ["/user", "/repos/acme/*"] });
const READS = restricted(["api.test"], { methods: ["GET", "HEAD"] });
const PREFIX = restricted(["api.test/acme"]);

const TABLE: readonly (readonly [why: string, restricted: Restrictions, request: string, allowed: boolean])[] = [
  ["its host", API, "GET https://api.test/", true],
  ["its host in another spelling", API, "DELETE https://API.TEST./x", true],
  ["another host", API, "GET https://other.test/", false],
  ["a host below", API, "GET https://a.api.test/", false],
  ["a host that ends alike", API, "GET https://xapi.test/", false],
  ["a host that begins alike", API, "GET https://api.test.evil.test/", false],
  ["another port", API, "GET https://api.test:8443/", false],
  ["a port that is granted", restricted(["api.test:8443"]), "GET https://api.test:8443/", true],
  ["443 where another port is granted", restricted(["api.test:8443"]), "GET https://api.test/", false],
  ["a name below a suffix", restricted(["*.api.test"]), "GET https://a.b.api.test/", true],
  ["the suffix itself", restricted(["*.api.test"]), "GET https://api.test/", false],
  ["any host of a resource without hosts", restricted([]), "GET https://api.test/", false],
  ["a path that is named", PATHS, "GET https://api.test/user?a=b", true],
  ["a path below one that is named", PATHS, "GET https://api.test/user/keys", false],
  ["a path in capitals", PATHS, "GET https://api.test/User", false],
  ["a path with a prefix", PATHS, "GET https://api.test/repos/acme/x/y", true],
  ["a path beside the prefix", PATHS, "GET https://api.test/repos/acmeX", false],
  ["a prefix that climbs in escapes", PATHS, "GET https://api.test/repos/acme/..%2fevil", false],
  ["a prefix with two slashes", PATHS, "GET https://api.test/repos/acme//x", false],
  ["a prefix with a parameter", PATHS, "GET https://api.test/repos/acme/x;y", false],
  ["a named path in escapes", PATHS, "GET https://api.test/%75ser", false],
  ["any path for an empty list", restricted(["api.test"], { paths: [] }), "GET https://api.test/", false],
  ["a method that is named", READS, "GET https://api.test/", true],
  ["a method that is not", READS, "POST https://api.test/", false],
  ["any method for an empty list", restricted(["api.test"], { methods: [] }), "GET https://api.test/", false],
  ["a path below a host's prefix", PREFIX, "GET https://api.test/acme/x", true],
  ["a path beside a host's prefix", PREFIX, "GET https://api.test/acmex", false],
  ["an ambiguous path below a host's prefix", PREFIX, "GET https://api.test/acme/%2e%2e%2fx", false],
  ["an ambiguous path where no path is looked at", API, "GET https://api.test/a%2fb", true],
];
for (const [why, resource, request, allowed] of TABLE) {
  Deno.test(`TM-34 mayAccess() ${allowed ? "allows" : "denies"} ${why}`, () => {
    const [method = "", url = ""] = request.split(" ");
    assert.equal(mayAccess(resource, { ...parseFetchUrl(url), method }), allowed);
  });
}

const LOOKING: readonly (readonly [why: string, restricted: Restrictions, expected: boolean])[] = [
  ["hosts alone", API, false],
  ["a prefix", PREFIX, true],
  ["paths", PATHS, true],
  ["methods", READS, true],
  ["an empty list", restricted(["api.test"], { methods: [] }), true],
];
for (const [why, resource, expected] of LOOKING) {
  Deno.test(`looksAtRequests() is ${expected} for ${why}`, () => assert.equal(looksAtRequests(resource), expected));
}

const NAMING: readonly (readonly [why: string, hosts: readonly string[], url: string, expected: boolean])[] = [
  ["the very host", ["10.0.0.1"], "https://10.0.0.1/", true],
  ["a host below a suffix", ["*.corp.test"], "https://db.corp.test/", false],
  ["a host that is named at another port", ["*.corp.test", "db.corp.test:1"], "https://db.corp.test/", false],
  ["a host that is named besides its suffix", ["*.corp.test", "db.corp.test"], "https://db.corp.test/", true],
];
for (const [why, hosts, url, expected] of NAMING) {
  Deno.test(`TM-12 namesHost() is ${expected} for ${why}`, () => {
    assert.equal(namesHost(restricted(hosts), { ...parseFetchUrl(url), method: "GET" }), expected);
  });
}
