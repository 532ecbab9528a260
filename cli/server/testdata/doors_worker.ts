/// <reference lib="deno.worker" />
import { startDoors } from "./start_doors.ts";

// Both doors in a worker, as the front worker opens them, for a test of what they need.

const scope = self as unknown as DedicatedWorkerGlobalScope;
const { url } = await startDoors();
const states: Record<string, string> = {};
for (const name of ["env", "ffi", "read", "run", "sys", "write"] as const) {
  states[name] = (await Deno.permissions.query({ name })).state;
}
states["net elsewhere"] = (await Deno.permissions.query({ name: "net", host: "192.0.2.1" })).state;
scope.postMessage({ url, states });
