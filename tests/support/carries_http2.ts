import { runtimeVersion } from "./runtime_version.ts";

/** The first Deno on which kz carries HTTP/2. Stated here too, so that kz cannot stop doing it unnoticed. */
const SINCE = [2, 9] as const;

/** Whether kz carries HTTP/2 on a version of Deno. */
export function carriesHttp2(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > SINCE[0] || (major === SINCE[0] && minor >= SINCE[1]);
}

/** Whether the kz under test does: known from its file, before anything is run. */
export const CARRIES_HTTP2: boolean = carriesHttp2(runtimeVersion());
