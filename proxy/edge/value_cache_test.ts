import assert from "node:assert/strict";
import { PortCaller } from "../port_calls.ts";
import { CANARY, utf8 } from "../testing/lab.ts";
import { isDenial, LabVault, withEdgeLimits } from "./testing/fetch_lab.ts";
import { withShortLimit } from "../testing/with_short_limit.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import type { ValueRequest } from "./protocol.ts";
import { VALUE_STAND_IN, ValueCache } from "./value_cache.ts";

const A: ValueRequest = { backend: "gh", secret: "a" };
const B: ValueRequest = { backend: "gh", secret: "b" };
const C: ValueRequest = { backend: "gh", secret: "c" };
const TTL = { ttlMs: 300_000 };

/** A cache with a clock that is set by hand. */
function open(values: Readonly<Record<string, string | Uint8Array>>) {
  const vault = new LabVault(values);
  const clock = { now: 0 };
  const cache = new ValueCache(vault.caller, () => clock.now);
  return {
    vault,
    clock,
    cache,
    async read(request: ValueRequest, ttlMs = TTL.ttlMs): Promise<string> {
      using secret = await cache.get(request, { ttlMs });
      return secret.reveal((bytes) => new TextDecoder().decode(bytes));
    },
    [Symbol.dispose]() {
      cache[Symbol.dispose]();
      vault[Symbol.dispose]();
    },
  };
}

const seen = (cache: ValueCache, text: string) => cache.valuePlan.search(utf8(text)) !== undefined;

Deno.test("ValueCache reads a value once for all who ask at the same time, and once in its ttl", async () => {
  using lab = open({ a: CANARY });
  const all = await Promise.all(Array.from({ length: 50 }, () => lab.read(A)));
  assert.deepEqual(new Set(all), new Set([CANARY]));
  lab.clock.now = TTL.ttlMs - 1;
  assert.equal(await lab.read(A), CANARY);
  assert.deepEqual(lab.vault.reads, ["a"]);
  lab.clock.now = TTL.ttlMs;
  lab.vault.values.set("a", "another-value");
  assert.equal(await lab.read(A), "another-value");
  assert.deepEqual(lab.vault.reads, ["a", "a"]);
});

Deno.test("ValueCache reads again for who wants a fresher value", async () => {
  using lab = open({ a: CANARY });
  await lab.read(A);
  lab.clock.now = 10_000;
  await lab.read(A, 5_000);
  assert.equal(lab.vault.reads.length, 2);
});

Deno.test("ValueCache tells secrets of one name apart by their backend", async () => {
  using lab = open({ a: CANARY });
  await lab.read(A);
  await lab.read({ ...A, backend: "other" });
  assert.equal(lab.vault.reads.length, 2);
});

Deno.test("ValueCache remembers a failure for a second and no longer", async () => {
  using lab = open({});
  await assert.rejects(lab.read(A), isDenial("SECRET_UNAVAILABLE", /no such item/));
  lab.clock.now = 999;
  await assert.rejects(lab.read(A), isDenial("SECRET_UNAVAILABLE"));
  assert.equal(lab.vault.reads.length, 1);
  lab.clock.now = 1000;
  lab.vault.values.set("a", CANARY);
  assert.equal(await lab.read(A), CANARY);
});

Deno.test("ValueCache gives no old value when it cannot be read again", async () => {
  using lab = open({ a: CANARY });
  await lab.read(A);
  lab.vault.values.delete("a");
  lab.clock.now = TTL.ttlMs;
  await assert.rejects(lab.read(A), isDenial("SECRET_UNAVAILABLE"));
  assert.ok(seen(lab.cache, CANARY), "it may still come back");
});

const BAD: readonly (readonly [why: string, value: Uint8Array])[] = [
  ["is not UTF-8", new Uint8Array([0xff, 0xfe, 0x41, 0x42])],
  ["is too long", new Uint8Array(EDGE_LIMITS.valueBytes + 1).fill(0x61)],
];
for (const [why, value] of BAD) {
  Deno.test(`ValueCache refuses a value that ${why}`, async () => {
    using lab = open({ a: value });
    await assert.rejects(lab.read(A), isDenial("SECRET_UNUSABLE"));
  });
}

Deno.test("ValueCache gives each caller a copy that outlives the one that is held", async () => {
  using lab = open({ a: CANARY });
  const secret = await lab.cache.get(A, TTL);
  lab.cache[Symbol.dispose]();
  assert.equal(secret.reveal((bytes) => new TextDecoder().decode(bytes)), CANARY);
  secret[Symbol.dispose]();
  assert.throws(() => secret.reveal(() => {}), /scope has ended/);
});

Deno.test("ValueCache throws what was used least recently away, zeroed, and nothing that is in use", async () => {
  await withEdgeLimits({ values: 2 }, async () => {
    using lab = open({ a: `${CANARY}-a`, b: `${CANARY}-b`, c: `${CANARY}-c` });
    using a = await lab.cache.get(A, TTL);
    await lab.read(B);
    await lab.read(C);
    assert.deepEqual([`${CANARY}-a`, `${CANARY}-b`, `${CANARY}-c`].map((text) => seen(lab.cache, text)), [
      true,
      false,
      true,
    ]);
    using _c = await lab.cache.get(C, TTL);
    await assert.rejects(lab.read(B), isDenial("OVERLOADED"));
    a[Symbol.dispose]();
    assert.equal(await lab.read(B), `${CANARY}-b`);
    assert.ok(!seen(lab.cache, `${CANARY}-a`));
  });
});

Deno.test("ValueCache counts a scope once, however often it is ended", async () => {
  await withEdgeLimits({ values: 1 }, async () => {
    using lab = open({ a: CANARY, b: `${CANARY}-b` });
    using _first = await lab.cache.get(A, TTL);
    const second = await lab.cache.get(A, TTL);
    second[Symbol.dispose]();
    second[Symbol.dispose]();
    await assert.rejects(lab.read(B), isDenial("OVERLOADED"));
  });
});

Deno.test("ValueCache is bounded by bytes too", async () => {
  await withEdgeLimits({ valuesBytes: 100 }, async () => {
    using lab = open({ a: "a".repeat(60), b: "b".repeat(60), c: "c".repeat(101) });
    await lab.read(A);
    await lab.read(B);
    assert.ok(!seen(lab.cache, "a".repeat(60)) && seen(lab.cache, "b".repeat(60)));
    await assert.rejects(lab.read(C), isDenial("OVERLOADED"));
  });
});

Deno.test("TM-01 ValueCache goes on searching for the last values of a secret that changes, and no longer", async () => {
  using lab = open({ a: "value-number-0" });
  for (let number = 0; number < 7; number++) {
    lab.vault.values.set("a", `value-number-${number}`);
    lab.clock.now = number * TTL.ttlMs;
    await lab.read(A);
  }
  const found = Array.from({ length: 7 }, (_, number) => seen(lab.cache, `value-number-${number}`));
  assert.deepEqual(found, [false, false, true, true, true, true, true]);
  assert.equal(
    new TextDecoder().decode(lab.cache.valuePlan.replaceAll(utf8("<value-number-6>"))),
    `<${VALUE_STAND_IN}>`,
  );
});

Deno.test("ValueCache makes its plan anew when values change, and only then", async () => {
  using lab = open({ a: CANARY, b: `${CANARY}-b` });
  await lab.read(A);
  const before = lab.cache.valuePlan;
  lab.clock.now = TTL.ttlMs;
  await lab.read(A);
  assert.equal(lab.cache.valuePlan, before);
  await lab.read(B);
  assert.notEqual(lab.cache.valuePlan, before);
});

Deno.test("ValueCache reads a value anew that a host did not accept, at most once in a while", async () => {
  using lab = open({ a: CANARY });
  await lab.read(A);
  lab.cache.markUnauthorized(A);
  await lab.read(A);
  assert.equal(lab.vault.reads.length, 1);
  lab.clock.now = EDGE_LIMITS.unauthorizedPauseMs;
  lab.cache.markUnauthorized(A);
  lab.cache.markUnauthorized(B);
  await lab.read(A);
  lab.cache.markUnauthorized(A);
  await lab.read(A);
  assert.equal(lab.vault.reads.length, 2);
});

Deno.test("ValueCache does not wait for ever, and closes a port that comes too late", async () => {
  await withShortLimit(EDGE_LIMITS.valueTimeoutMs, async () => {
    using lab = open({ a: CANARY });
    const gate = Promise.withResolvers<void>();
    lab.vault.gate = gate.promise;
    await assert.rejects(lab.read(A), isDenial("SECRET_UNAVAILABLE", /in time/));
    gate.resolve();
    // The sanitizers find the port if it stays open.
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(!seen(lab.cache, CANARY));
  });
});

Deno.test("ValueCache says of a vault that ended only that the value cannot be read", async () => {
  const { port1, port2 } = new MessageChannel();
  const vault = new PortCaller<ValueRequest, null>(port1);
  using cache = new ValueCache(vault);
  const reading = assert.rejects(cache.get(A, TTL), isDenial("SECRET_UNAVAILABLE"));
  vault[Symbol.dispose]();
  port2.close();
  await reading;
});

Deno.test("TM-30 ValueCache shows no value where it is printed", async () => {
  using lab = open({ a: CANARY });
  using secret = await lab.cache.get(A, TTL);
  for (
    const text of [
      Deno.inspect(lab.cache, { depth: 9 }),
      Deno.inspect(secret),
      JSON.stringify({ secret, cache: lab.cache }),
    ]
  ) {
    assert.ok(!text.includes(CANARY), text);
  }
});
