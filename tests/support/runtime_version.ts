import { Buffer } from "node:buffer";
import { KZ_BINARY } from "./kz.ts";

/** How Deno names itself in full: version and commit. It is in the runtime of every executable that Deno makes. */
const FULL_NAME_REGEXP = /^Deno\/(\d+\.\d+\.\d+)\+[0-9a-f]{7,40}/;
const MARK = "Deno/";
/** No full name is longer. */
const NAME_BYTES = 80;

/** The version of Deno that kz runs on here: that of the executable in `KZ_BINARY`, else the one that runs the tests. */
export function runtimeVersion(): string {
  return KZ_BINARY === undefined ? Deno.version.deno : versionInExecutable(Deno.readFileSync(KZ_BINARY));
}

/**
 * Which Deno an executable holds.
 *
 * @throws {Error} if it names none, or more than one: what is to be tested must not be guessed.
 */
export function versionInExecutable(bytes: Uint8Array): string {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Set<string>();
  for (let at = file.indexOf(MARK); at !== -1; at = file.indexOf(MARK, at + 1)) {
    const version = FULL_NAME_REGEXP.exec(file.toString("latin1", at, at + NAME_BYTES))?.[1];
    if (version !== undefined) found.add(version);
  }
  const [version] = found;
  if (version === undefined || found.size > 1) {
    throw new Error(`Cannot tell the Deno of the executable: it names ${found.size} versions, not one`);
  }
  return version;
}
