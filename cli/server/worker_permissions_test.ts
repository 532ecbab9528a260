/** What the front and state workers may do, asked inside a worker with the very same permissions. */
import assert from "node:assert/strict";
import { parseRedisAddress } from "../../policy/server/redis_address.ts";
import type { WorkerPermissions } from "../permissions.ts";
import { frontPermissions } from "./front/front_process.ts";
import { statePermissions } from "./state/state_process.ts";

const LISTEN = { hostname: "127.0.0.1", port: 7070, tls: undefined };
const REDIS = {
  kind: "redis",
  address: parseRedisAddress("redis://redis.internal:6380"),
  password: undefined,
} as const;

const NEVER: readonly Deno.PermissionDescriptor[] = [
  { name: "read" },
  { name: "read", path: "/etc/passwd" },
  { name: "write" },
  { name: "env" },
  { name: "env", variable: "KEYZERO_SERVER_KEY" },
  { name: "run" },
  { name: "sys" },
  { name: "ffi" },
  { name: "import" },
  { name: "net" },
  { name: "net", host: "169.254.169.254" },
  { name: "net", host: "api.github.com:443" },
  { name: "net", host: "127.0.0.1:22" },
];

const TABLE: readonly [why: string, permissions: WorkerPermissions, granted: readonly string[]][] = [
  ["front worker that listens", frontPermissions(LISTEN), ["127.0.0.1:7070"]],
  ["front worker of MCP on standard streams", frontPermissions(undefined), []],
  ["state worker in memory", statePermissions({ kind: "memory" }), []],
  ["state worker with Redis", statePermissions(REDIS), ["redis.internal:6380"]],
];
for (const [why, permissions, hosts] of TABLE) {
  Deno.test(`a ${why} may reach ${hosts.join(", ") || "nothing"}, and has nothing else`, async () => {
    const granted = hosts.map((host) => ({ name: "net", host }) as const);
    const worker = new Worker(new URL("../resolve/testing/permission_probe.ts", import.meta.url), {
      type: "module",
      deno: { permissions },
    });
    try {
      const states = await new Promise<string[]>((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage([...granted, ...NEVER]);
      });
      const expected = [...granted.map(() => true), ...NEVER.map(() => false)];
      assert.deepEqual(states.map((state) => state === "granted"), expected);
    } finally {
      worker.terminate();
    }
  });
}
