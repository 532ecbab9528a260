import assert from "node:assert/strict";
import { join } from "node:path";
import { parseHost } from "../../../policy/host.ts";
import type { Backend, StateSettings } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { parseRedisAddress } from "../../../policy/server/redis_address.ts";
import type { StateAnswer, StateRequest } from "../../../proxy/edge/protocol.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import { CertificateAuthority } from "../../../proxy/tls/certificate_authority.ts";
import { setVariable, temporaryDirectory } from "../../../providers/testing/store_of.ts";
import { CACHE_MS } from "./redis_store.ts";
import { sameState, statePermissions, StateProcess } from "./state_process.ts";
import { askRedis, HAS_REDIS, RedisServer } from "./testing/redis_server.ts";

const TOKEN = { kind: "is-revoked", id: "token-1", issuer: "internal", subject: "canary-subject" } as const;
const DAY_MS = 86_400_000;
const PASSWORD = "canary-3f9c1e7ab4d2-redis";

function redisState(port: number, more: { scheme?: string; password?: boolean; user?: string } = {}): StateSettings {
  const address = parseRedisAddress(
    `${more.scheme ?? "redis"}://${more.user === undefined ? "" : `${more.user}@`}localhost:${port}/0`,
  );
  return {
    kind: "redis",
    address,
    password: more.password ? { backend: "vault", secret: "KZ_TEST_REDIS_PASSWORD" } : undefined,
  };
}

const BACKENDS: ReadonlyMap<string, Backend> = new Map([["vault", { provider: "env", options: {} }]]);

/** A state worker with what it says, and one port of a worker that asks. */
async function openState(state: StateSettings, more: { roots?: string[]; passwordPauseMs?: number } = {}) {
  using scope = new DisposableStack();
  const lines: string[] = [];
  const process = scope.use(
    await StateProcess.start(
      { state, backends: BACKENDS, network: { connect: new Map(), upstreamCa: more.roots ?? [] } },
      {
        root: "/",
        warn: (line) => lines.push(line),
        onBroken: (error) => lines.push(`broken: ${error.message}`),
        ...(more.passwordPauseMs === undefined ? {} : { passwordPauseMs: more.passwordPauseMs }),
      },
    ),
  );
  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    process.connect(port2);
    return new PortCaller<StateRequest, StateAnswer>(port1);
  };
  const caller = scope.use(connect());
  const kept = scope.move();
  return {
    lines,
    connect,
    isRevoked: async (changes: { id?: string; subject?: string; issuedAt?: number } = {}) =>
      (await caller.call({ ...TOKEN, issuedAt: Date.now() - 10_000, ...changes })).revoked,
    revokeId: (id: string, expiresAt = Date.now() + DAY_MS) => caller.call({ kind: "revoke-id", id, expiresAt }),
    revokeSubject: (subject: string) =>
      caller.call({ kind: "revoke-subject", issuer: "internal", subject, keepUntil: Date.now() + DAY_MS }),
    [Symbol.dispose]: () => kept.dispose(),
  };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !await holds(); attempt++) {
    if (attempt > 400) throw new Error(`Not so in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Denial && error.code === "STATE_UNAVAILABLE";
}

Deno.test("StateProcess in memory answers every port that was connected [S-6.3]", async () => {
  using state = await openState({ kind: "memory" });
  using other = state.connect();
  assert.equal(await state.isRevoked(), false);
  await state.revokeId("token-1");
  assert.equal(await state.isRevoked(), true);
  assert.deepEqual(await other.call({ ...TOKEN, issuedAt: 0 }), { revoked: true });
  assert.deepEqual(await other.call({ ...TOKEN, id: "token-2", issuedAt: 0 }), { revoked: false });
  await state.revokeSubject("canary-subject");
  assert.deepEqual(await other.call({ ...TOKEN, id: "token-2", issuedAt: 0 }), { revoked: true });
  assert.deepEqual(state.lines, []);
});

Deno.test("statePermissions() allow nothing in memory, and one host and port with Redis [S-6.3]", () => {
  const nothing = { env: false, net: false, read: false, run: false, sys: false, write: false };
  assert.deepEqual(statePermissions({ kind: "memory" }), { ...nothing, ffi: false, import: false });
  assert.deepEqual(statePermissions(redisState(6379)).net, ["localhost:6379"]);
  const address = { ...parseRedisAddress("redis://[::1]:7"), host: parseHost("[::1]") };
  assert.deepEqual(statePermissions({ kind: "redis", address, password: undefined }).net, ["[::1]:7"]);
});

Deno.test("sameState() holds for what a state worker is made from, and for nothing else", () => {
  const network = { connect: new Map(), upstreamCa: [] };
  const source = (state: StateSettings, backends = BACKENDS) => ({ state, backends, network });
  assert(sameState(source({ kind: "memory" }), source({ kind: "memory" }, new Map())));
  assert(sameState(source(redisState(1)), source(redisState(1))));
  assert(!sameState(source(redisState(1)), source(redisState(2))));
  assert(!sameState(source(redisState(1)), source({ kind: "memory" })));
  const other = new Map([["vault", { provider: "file", options: {} }]]);
  assert(!sameState(source(redisState(1, { password: true })), source(redisState(1, { password: true }), other)));
});

function redisTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !HAS_REDIS, fn });
}

redisTest("StateProcess shares revocations with another replica through Redis [S-6.3]", async () => {
  await using redis = await RedisServer.start();
  using first = await openState(redisState(redis.port));
  using second = await openState(redisState(redis.port));
  assert.equal(await second.isRevoked(), false);
  await first.revokeId("token-1");
  // Its own, at once; another's, after what it may hold back.
  assert.equal(await first.isRevoked(), true);
  await until("the other replica knows", () => second.isRevoked());
  assert.equal(await second.isRevoked({ id: "token-2" }), false);
  await second.revokeSubject("canary-subject");
  await until("the first replica knows", () => first.isRevoked({ id: "token-2" }));
  assert.equal(await first.isRevoked({ id: "token-2", subject: "agent-2" }), false);
  assert.equal(await first.isRevoked({ id: "token-2", issuedAt: Date.now() + 60_000 }), false);
});

redisTest("StateProcess holds an answer of Redis for at most a second [S-6.3]", async () => {
  await using redis = await RedisServer.start();
  using first = await openState(redisState(redis.port));
  using second = await openState(redisState(redis.port));
  await second.isRevoked();
  await first.revokeId("token-1");
  await new Promise((resolve) => setTimeout(resolve, CACHE_MS + 50));
  assert.equal(await second.isRevoked(), true);
  // One question for many who ask at once.
  const before = Number(/cmdstat_get:calls=(\d+)/.exec(await askRedis(redis.port, "INFO commandstats"))?.[1]);
  await Promise.all(Array.from({ length: 100 }, () => second.isRevoked({ id: "token-9" })));
  const after = Number(/cmdstat_get:calls=(\d+)/.exec(await askRedis(redis.port, "INFO commandstats"))?.[1]);
  assert(after - before <= 2, `${after - before} commands`);
});

redisTest("StateProcess writes hashed keys that expire to Redis, and nothing else [S-6.3]", async () => {
  await using redis = await RedisServer.start();
  using state = await openState(redisState(redis.port));
  await state.revokeId("token-1", Date.now() + 60_000);
  await state.revokeSubject("canary-subject");
  await state.isRevoked({ id: "token-2" });
  const keys = (await askRedis(redis.port, "KEYS *")).split("\n").sort();
  assert.equal(keys.length, 2);
  assert.match(keys[0]!, /^kz:revoked:id:[0-9a-f]{64}$/);
  assert.match(keys[1]!, /^kz:revoked:subject:[0-9a-f]{64}$/);
  for (const [at, limit] of [[0, 60_000], [1, DAY_MS]] as const) {
    const left = Number(await askRedis(redis.port, `PTTL ${keys[at]}`));
    assert(left > limit - 10_000 && left <= limit, `${left}`);
    assert.match(await askRedis(redis.port, `GET ${keys[at]}`), /^\d{13,16}$/);
  }
  // A later, shorter one takes nothing back.
  await state.revokeId("token-1", Date.now() + 50);
  assert(Number(await askRedis(redis.port, `PTTL ${keys[0]}`)) > 50_000);
  await new Promise((resolve) => setTimeout(resolve, CACHE_MS + 100));
  assert.equal(await state.isRevoked(), true);
});

redisTest("StateProcess takes a value in Redis that it did not write for a revocation [S-6.3]", async () => {
  await using redis = await RedisServer.start();
  using state = await openState(redisState(redis.port));
  await state.revokeSubject("canary-subject");
  await askRedis(redis.port, `SET ${await askRedis(redis.port, "KEYS *")} -1`);
  await new Promise((resolve) => setTimeout(resolve, CACHE_MS + 50));
  assert.equal(await state.isRevoked({ issuedAt: Date.now() + DAY_MS }), true);
});

redisTest("StateProcess denies while Redis is away and works again when it is back [S-6.3]", async () => {
  await using redis = await RedisServer.start();
  using state = await openState(redisState(redis.port));
  assert.equal(await state.isRevoked(), false);
  await redis.kill();
  await until("Redis is missed", () => state.isRevoked({ id: crypto.randomUUID() }).then(() => false, isUnavailable));
  await assert.rejects(state.revokeId("token-1"), isUnavailable);
  await redis.start();
  await until("Redis is found", () => state.isRevoked({ id: "token-3" }).then(() => true, () => false));
  await state.revokeId("token-1");
  assert.equal(await state.isRevoked(), true);
  assert.deepEqual(state.lines, [
    "warning: Redis cannot be asked for revocations, so every token is refused: it cannot be reached",
    "kz: Redis answers again",
  ]);
});

redisTest("StateProcess starts without Redis, denies, and finds it by itself [S-6.3]", async () => {
  await using redis = new RedisServer();
  using state = await openState(redisState(redis.port));
  await assert.rejects(state.isRevoked(), isUnavailable);
  assert.equal(state.lines.length, 1);
  await redis.start();
  await until("Redis is found", () => state.isRevoked().then(() => true, () => false));
});

redisTest("StateProcess denies in time when Redis hangs, and works again when it goes on [S-6.3]", async () => {
  await using redis = await RedisServer.start();
  using state = await openState(redisState(redis.port));
  await state.isRevoked();
  redis.pause();
  const begun = performance.now();
  await assert.rejects(state.isRevoked({ id: "token-2" }), isUnavailable);
  assert(performance.now() - begun < 2_500);
  assert.match(state.lines[0]!, /it does not answer in time$/);
  redis.goOn();
  await until("Redis is found", () => state.isRevoked({ id: "token-2" }).then(() => true, () => false));
});

redisTest("StateProcess logs in with a password of a backend, and says which one is refused [S-6.3]", async () => {
  await using redis = await RedisServer.start("--requirepass", PASSWORD);
  {
    using state = await openState(redisState(redis.port));
    await assert.rejects(state.isRevoked(), isUnavailable);
    assert.match(state.lines[0]!, /it refuses the password$/);
  }
  {
    using _ = setVariable("KZ_TEST_REDIS_PASSWORD", PASSWORD);
    using state = await openState(redisState(redis.port, { password: true }));
    assert.equal(await state.isRevoked(), false);
    assert.deepEqual(state.lines, []);
  }
  {
    using wrong = setVariable("KZ_TEST_REDIS_PASSWORD", "wrong");
    using state = await openState(redisState(redis.port, { password: true }), { passwordPauseMs: 50 });
    await assert.rejects(state.isRevoked(), isUnavailable);
    assert(!state.lines.join().includes("canary") && !state.lines.join().includes("wrong"));
    // It was changed: the backend is asked again.
    void wrong;
    using _ = setVariable("KZ_TEST_REDIS_PASSWORD", PASSWORD);
    await until("the new password is taken", () => state.isRevoked().then(() => true, () => false));
  }
});

redisTest(
  "StateProcess logs in as a user of Redis's ACL, who needs four commands and two kinds of keys [S-6.3]",
  async () => {
    await using redis = await RedisServer.start();
    const rule = `ACL SETUSER kz on >${PASSWORD} ~kz:revoked:* +get +set +pttl +eval`;
    assert.equal(await askRedis(redis.port, rule), "OK");
    await askRedis(redis.port, "ACL SETUSER default off");
    using _ = setVariable("KZ_TEST_REDIS_PASSWORD", PASSWORD);
    using state = await openState(redisState(redis.port, { password: true, user: "kz" }));
    await state.revokeId("token-1");
    assert.equal(await state.isRevoked(), true);
    assert.deepEqual(state.lines, []);
  },
);

Deno.test("StateProcess.start() ends where the password cannot be read from its backend [S-6.3]", async () => {
  await assert.rejects(openState(redisState(1, { password: true })), {
    name: "AppError",
    code: "PROVIDER_SECRET_NOT_FOUND",
  });
});

redisTest("StateProcess verifies the certificate of rediss:// before it sends a password [S-6.3]", async () => {
  using directory = temporaryDirectory();
  const authority = await CertificateAuthority.create({ now: new Date() });
  const leaf = await authority.issue(parseHost("localhost"));
  const path = (name: string) => join(directory.path, name);
  Deno.writeTextFileSync(path("cert.pem"), leaf.certPem);
  Deno.writeTextFileSync(path("key.pem"), leaf.keyPem);
  Deno.writeTextFileSync(path("ca.pem"), authority.certificatePem);
  await using redis = await RedisServer.start(
    ...["--tls-port", "PORT", "--tls-cert-file", path("cert.pem"), "--tls-key-file", path("key.pem")],
    ...["--tls-ca-cert-file", path("ca.pem"), "--tls-auth-clients", "no", "--requirepass", PASSWORD],
  );
  using _ = setVariable("KZ_TEST_REDIS_PASSWORD", PASSWORD);
  const settings = redisState(redis.port, { scheme: "rediss", password: true });
  {
    using trusting = await openState(settings, { roots: [authority.certificatePem] });
    await trusting.revokeId("token-1");
    assert.equal(await trusting.isRevoked(), true);
    assert.deepEqual(trusting.lines, []);
  }
  using doubting = await openState(settings);
  await assert.rejects(doubting.isRevoked(), isUnavailable);
  assert.match(doubting.lines[0]!, /its certificate is not valid for its name$/);
});
