/// <reference lib="deno.worker" />
import { containErrors } from "../../../policy/contain_errors.ts";
import { AppError, toWireError } from "../../../policy/error.ts";
import type { StateAnswer, StateRequest } from "../../../proxy/edge/protocol.ts";
import { answerCalls } from "../../../proxy/port_calls.ts";
import { MemoryStore } from "./memory_store.ts";
import type { RedisFault, RedisSetup, StateMessage, StateReport } from "./protocol.ts";
import { Revocations } from "./revocations.ts";

// The state worker's entry. It may reach the Redis server of the bundle, or nothing.

/** Replicas whose clocks are kept by NTP are apart by milliseconds. */
const CLOCK_SKEW_MS = 1_000;

const now = () => Date.now();
const started = Promise.withResolvers<Revocations>();
let password: string | undefined;
let reconnect = () => {};

containErrors(self, () => {
  report({ kind: "failed", error: toWireError(new AppError("INTERNAL", "Cannot go on: the state worker broke")) });
});

self.onmessage = ({ data }: MessageEvent<StateMessage>) => {
  if (data.kind === "connect") {
    answerCalls<StateRequest, StateAnswer>(data.port, async (request) => (await started.promise).answer(request));
  } else if (data.kind === "password") {
    void readPassword(data.port).then(() => reconnect());
  } else void start(data.redis);
};

async function start(redis: RedisSetup | undefined): Promise<void> {
  if (redis === undefined) started.resolve(new Revocations(new MemoryStore(now), { now, skewMs: 0 }));
  else started.resolve(await openRedis(redis));
  report({ kind: "ready" });
}

/** The package is loaded only where there is a Redis. */
async function openRedis({ address, roots, password: port }: RedisSetup): Promise<Revocations> {
  const [{ RedisLink }, { RedisStore }] = await Promise.all([import("./redis_link.ts"), import("./redis_store.ts")]);
  if (port !== undefined) await readPassword(port);
  let usable = true;
  const onChange = (fault: RedisFault | undefined) => {
    if (fault !== undefined) report({ kind: "lost", fault });
    else if (!usable) report({ kind: "restored" });
    usable = fault === undefined;
  };
  const link = new RedisLink({ address, roots, password: () => password, onChange });
  reconnect = () => link.reconnect();
  await link.attempted;
  return new Revocations(new RedisStore(link, now), { now, skewMs: CLOCK_SKEW_MS });
}

/** It stays text, which cannot be cleared: each new connection logs in with it. */
function readPassword(port: MessagePort): Promise<void> {
  return new Promise((resolve) => {
    port.onmessage = ({ data }: MessageEvent<{ readonly bytes: Uint8Array }>) => {
      password = new TextDecoder().decode(data.bytes);
      data.bytes.fill(0);
      port.close();
      resolve();
    };
  });
}

function report(message: StateReport): void {
  self.postMessage(message);
}
