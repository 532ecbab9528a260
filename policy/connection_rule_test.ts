import assert from "node:assert/strict";
import { type ConnectionRule, decideConnection, parseConnectionRule } from "./connection_rule.ts";
import { AppError } from "./error.ts";
import { parseHost } from "./host.ts";

type Raw = Parameters<typeof parseConnectionRule>[0];

const never = () => false;
const rules = (...raw: Raw[]): ConnectionRule[] => raw.map((rule, at) => parseConnectionRule(rule, at + 1));
const decide = (list: readonly ConnectionRule[] | undefined, url: string, method?: string) => {
  const { hostname, port } = new URL(url);
  // The path as a client sends it, which the URL parser would tidy.
  const path = /^https:\/\/[^/]+([^?]*)/.exec(url)?.[1] ?? "";
  const target = { host: parseHost(hostname), port: Number(port || 443) };
  return decideConnection(list, method === undefined ? target : { ...target, method, path }, never);
};

const ONE = rules(
  { allow: false, host: "api.test", methods: ["DELETE"] },
  { allow: true, host: "api.test", paths: ["/repos/*", "/user"] },
  { allow: true, host: "*.wild.test", port: 8443 },
  { allow: true, host: "get.test", methods: ["get"] },
  { allow: false, host: "open.test", paths: ["/admin*"] },
  { allow: true, host: "open.test" },
);

const TABLE: readonly (readonly [method: string, url: string, rule: number | undefined, verdict: "allow" | "deny"])[] =
  [
    ["GET", "https://api.test/repos/a", 2, "allow"],
    ["GET", "https://api.test/repos/", 2, "allow"],
    ["GET", "https://api.test/repos", undefined, "deny"],
    ["GET", "https://api.test/user", 2, "allow"],
    ["GET", "https://api.test/users", undefined, "deny"],
    ["GET", "https://api.test/User", undefined, "deny"],
    ["DELETE", "https://api.test/repos/a", 1, "deny"],
    ["GET", "https://api.test/repos/../user/keys", undefined, "deny"],
    ["GET", "https://api.test/repos/%2e%2e/keys", undefined, "deny"],
    ["GET", "https://api.test/repos/..%2fkeys", undefined, "deny"],
    ["GET", "https://api.test/repos//keys", undefined, "deny"],
    ["GET", "https://api.test/repos/a;b", undefined, "deny"],
    ["GET", "https://api.test/repos/%252e", undefined, "deny"],
    ["GET", "https://api.test/repos/a%20b", 2, "allow"],
    ["GET", "https://api.test/repos/caf%C3%A9", 2, "allow"],
    ["GET", "https://sub.api.test/repos/a", undefined, "deny"],
    ["GET", "https://a.wild.test:8443/", 3, "allow"],
    ["GET", "https://a.b.wild.test:8443/", 3, "allow"],
    ["GET", "https://a.wild.test/", undefined, "deny"],
    ["GET", "https://wild.test:8443/", undefined, "deny"],
    ["GET", "https://get.test/", 4, "allow"],
    ["HEAD", "https://get.test/", undefined, "deny"],
    ["GET", "https://open.test/", 6, "allow"],
    ["GET", "https://open.test/admin", 5, "deny"],
    ["GET", "https://open.test/administrator", 5, "deny"],
    ["GET", "https://open.test/x/admin", 6, "allow"],
    ["GET", "https://open.test/%61dmin", 5, "deny"],
    ["GET", "https://open.test/%41DMIN", 5, "deny"],
    ["GET", "https://open.test/a%64min", 5, "deny"],
    ["GET", "https://open.test//admin", 5, "deny"],
    ["GET", "https://open.test/x/../admin", 5, "deny"],
    ["GET", "https://open.test/x/%2e%2e/admin", 5, "deny"],
    ["GET", "https://open.test/x\\..\\admin", 5, "deny"],
    ["GET", "https://open.test/%00admin", 5, "deny"],
  ];

for (const [method, url, rule, verdict] of TABLE) {
  Deno.test(`TM-19 decideConnection() ${method} ${url} is decided by rule ${rule ?? "none"}: ${verdict}`, () => {
    const decision = decide(ONE, url, method);
    assert.deepEqual([decision.rule, decision.verdict], [rule, verdict]);
  });
}

Deno.test("decideConnection() opens a tunnel as soon as some request inside it might be allowed", () => {
  assert.equal(decide(ONE, "https://api.test/").verdict, "allow");
  assert.equal(decide(ONE, "https://get.test/").verdict, "allow");
  assert.equal(decide(ONE, "https://a.wild.test/").verdict, "deny");
  assert.equal(
    decide(rules({ allow: false, host: "api.test" }, { allow: true, host: "*" }), "https://api.test/").rule,
    1,
  );
});

Deno.test("decideConnection() without rules allows every host and names none", () => {
  assert.deepEqual(decide(undefined, "https://api.test/", "GET"), { verdict: "allow", rule: undefined, named: false });
});

Deno.test("decideConnection() with no rule that matches denies, and an empty list denies everything", () => {
  assert.equal(decide(rules({ allow: true, host: "api.test" }), "https://b.test/", "GET").verdict, "deny");
  assert.equal(decide([], "https://api.test/", "GET").verdict, "deny");
});

Deno.test("decideConnection() takes empty lists of a rule for nothing, absent ones for everything", () => {
  assert.equal(decide(rules({ allow: true, host: "*", methods: [] }), "https://a.test/", "GET").verdict, "deny");
  assert.equal(decide(rules({ allow: true, host: "*", paths: [] }), "https://a.test/", "GET").verdict, "deny");
  assert.equal(decide(rules({ allow: true, host: "*" }), "https://a.test/", "GET").verdict, "allow");
});

Deno.test("TM-12 decideConnection() says that a host is named only where a rule names it itself", () => {
  const named = (host: string) => decide(rules({ allow: true, host }), "https://a.test.test/", "GET").named;
  assert.equal(named("a.test.test"), true);
  assert.equal(named("*.test.test"), false);
  assert.equal(named("*"), false);
  const expression = rules({ allow: true, host: "/a\\..*/" });
  const request = { host: parseHost("a.test"), port: 443, method: "GET", path: "/" };
  assert.equal(decideConnection(expression, request, () => true).named, false);
});

const INVALID: readonly (readonly [why: string, raw: Raw])[] = [
  ["port 0", { allow: true, host: "a.test", port: 0 }],
  ["port 65536", { allow: true, host: "a.test", port: 65536 }],
  ["half a port", { allow: true, host: "a.test", port: 1.5 }],
  ["a method with a space", { allow: true, host: "a.test", methods: ["GET "] }],
  ["no method", { allow: true, host: "a.test", methods: [""] }],
  ["a path without a slash", { allow: true, host: "a.test", paths: ["a"] }],
  ["a path with a query", { allow: true, host: "a.test", paths: ["/a?b"] }],
  ["a path with an escape", { allow: true, host: "a.test", paths: ["/a%20b"] }],
  ["a path above ASCII", { allow: true, host: "a.test", paths: ["/café"] }],
  ["a path with a wildcard inside", { allow: true, host: "a.test", paths: ["/a/*/b"] }],
  ["a path with two wildcards", { allow: true, host: "a.test", paths: ["/a**"] }],
  ["a path with dots", { allow: true, host: "a.test", paths: ["/a/../b"] }],
  ["a path with a backslash", { allow: true, host: "a.test", paths: ["/a\\b"] }],
  ["an expression of 257 characters", { allow: true, host: `/${"a".repeat(257)}/` }],
  ["a host with a port", { allow: true, host: "a.test:443" }],
];

for (const [why, raw] of INVALID) {
  Deno.test(`parseConnectionRule() refuses ${why}`, () => {
    assert.throws(() => parseConnectionRule(raw, 1), AppError);
  });
}
