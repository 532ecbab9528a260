import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import { addressKey, CallerLimiter } from "./caller_limiter.ts";

const LIMITS = {
  callerPerSecond: 10,
  callerBurst: 20,
  callerActive: 5,
  failuresPerSecond: 2,
  failuresBurst: 4,
  callersRemembered: 100,
};

function limiter() {
  const clock = { ms: 0 };
  return { clock, limits: new CallerLimiter(LIMITS, () => clock.ms) };
}

function tooMany(use: () => unknown): void {
  assert.throws(use, (error: unknown) => error instanceof Denial && error.code === "TOO_MANY_REQUESTS");
}

Deno.test("TM-38 CallerLimiter gives each caller its burst, then its rate, and others theirs", () => {
  const { clock, limits } = limiter();
  const ask = (subject: string) => limits.admitCaller("issuer", subject)[Symbol.dispose]();
  for (let i = 0; i < 20; i++) ask("greedy");
  tooMany(() => ask("greedy"));
  ask("modest");
  clock.ms = 99;
  tooMany(() => ask("greedy"));
  clock.ms = 100;
  ask("greedy");
  tooMany(() => ask("greedy"));
  clock.ms = 3_600_000;
  for (let i = 0; i < 20; i++) ask("greedy");
  tooMany(() => ask("greedy"));
});

Deno.test("TM-38 CallerLimiter holds how many requests of a caller are worked on at one time", () => {
  const { limits } = limiter();
  const held = [1, 2, 3, 4, 5].map(() => limits.admitCaller("issuer", "slow"));
  tooMany(() => limits.admitCaller("issuer", "slow"));
  limits.admitCaller("other issuer", "slow");
  // Giving back twice gives back once.
  held[0]![Symbol.dispose]();
  held[0]![Symbol.dispose]();
  limits.admitCaller("issuer", "slow");
  tooMany(() => limits.admitCaller("issuer", "slow"));
});

Deno.test("TM-38 CallerLimiter tells apart callers whose names are written alike when joined", () => {
  const { limits } = limiter();
  for (let i = 0; i < 20; i++) limits.admitCaller('a","b', "c")[Symbol.dispose]();
  tooMany(() => limits.admitCaller('a","b', "c"));
  limits.admitCaller("a", 'b","c');
});

Deno.test("TM-38 CallerLimiter lets an address pay for what failed, and for nothing else", () => {
  const { clock, limits } = limiter();
  for (let i = 0; i < 100; i++) limits.admitAddress("192.0.2.1");
  for (let i = 0; i < 4; i++) limits.chargeAddress("192.0.2.1");
  tooMany(() => limits.admitAddress("192.0.2.1"));
  limits.admitAddress("192.0.2.2");
  clock.ms = 500;
  limits.admitAddress("192.0.2.1");
});

Deno.test("TM-38 CallerLimiter lets an address pay for all that failed at one time, up to its burst again", () => {
  const { clock, limits } = limiter();
  for (let i = 0; i < 6; i++) limits.admitAddress("192.0.2.1");
  for (let i = 0; i < 6; i++) limits.chargeAddress("192.0.2.1");
  // Two more than it had: a second and a half until there is one again.
  clock.ms = 1499;
  tooMany(() => limits.admitAddress("192.0.2.1"));
  clock.ms = 1500;
  limits.admitAddress("192.0.2.1");
  for (let i = 0; i < 1000; i++) limits.chargeAddress("192.0.2.1");
  clock.ms = 4000;
  limits.admitAddress("192.0.2.1");
});

Deno.test("TM-38 CallerLimiter remembers so many callers and addresses, and those at work whatever comes", () => {
  const { limits } = limiter();
  const busy = [1, 2, 3, 4, 5].map(() => limits.admitCaller("issuer", "busy"));
  for (let i = 0; i < 1000; i++) {
    limits.admitCaller("issuer", `one of many ${i} ${"x".repeat(i)}`)[Symbol.dispose]();
    limits.chargeAddress(`192.0.${i >> 8}.${i & 255}`);
  }
  assert.equal(limits.remembered, 200);
  tooMany(() => limits.admitCaller("issuer", "busy"));
  for (const one of busy) one[Symbol.dispose]();
  limits.admitCaller("issuer", "busy");
});

const keys: [why: string, address: string, expected: string][] = [
  ["an IPv4 address by itself", "192.0.2.7", "192.0.2.7"],
  ["an IPv4 address that is mapped", "::ffff:192.0.2.7", "192.0.2.7"],
  ["an IPv6 address by its /64", "2001:DB8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["a shortened IPv6 address by its /64", "2001:db8::1", "2001:db8:0:0"],
  ["another spelling of the same /64", "2001:db8:0:0:ffff::", "2001:db8:0:0"],
  ["loopback", "::1", "0:0:0:0"],
  ["an address with a zone", "fe80::1%eth0", "fe80:0:0:0"],
];
for (const [why, address, expected] of keys) {
  Deno.test(`TM-38 addressKey() knows ${why}`, () => assert.equal(addressKey(address), expected));
}
