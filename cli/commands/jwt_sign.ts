import { resolve } from "node:path";
import { CompactSign } from "jose";
import { AppError } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { parseStrictJson } from "../server/identity/strict_json.ts";
import { readKeyFile } from "../server/identity/key_file.ts";
import { parseAlgorithm, readSigningKey } from "../server/identity/signing_key.ts";
import { writeStderr, writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([["s", 1], ["m", 60], ["h", 3600], ["d", 86_400]]);
const DEFAULT_SECONDS = 3600;
/** What is for trying out is not to be found a year later, and still valid. */
const LONGEST_SECONDS = 30 * 86_400;

/** The options that are claims. */
const REGISTERED = [["issuer", "iss"], ["subject", "sub"], ["audience", "aud"]] as const;

/** `kz jwt sign`: a JWT by a key of one's own, on standard output. */
export async function jwtSignCommand(args: Arguments, around: Surroundings): Promise<number> {
  const path = args.value("key");
  if (path === undefined) throw usage("--key is missing", "Write: kz jwt sign --key key.pem");
  const alg = args.value("alg");
  const asked = alg === undefined ? undefined : parseAlgorithm(alg);
  const claims = readClaims(args, Math.floor(Date.now() / 1000));
  const { bytes, exposed } = await readKeyFile(resolve(around.cwd, path));
  if (exposed) warn("others can read the key file, and sign with it; chmod 600 ends that");
  const { algorithm, key, thumbprint } = await readSigningKey(bytes, asked);
  const kid = args.value("kid") ?? thumbprint;
  const header = { alg: algorithm, typ: "JWT", ...(kid === undefined ? {} : { kid }) };
  const payload = new TextEncoder().encode(JSON.stringify(Object.fromEntries(claims)));
  const jwt = await new CompactSign(payload).setProtectedHeader(header).sign(key);
  for (const [option, claim] of REGISTERED) {
    if (!claims.has(claim)) warn(`no server takes a JWT without "${claim}"; --${option} sets it`);
  }
  if (Deno.stdout.isTerminal()) warn("this is a credential as long as it is valid, and the terminal remembers it");
  writeStdout(`${jwt}\n`);
  return 0;
}

function warn(text: string): void {
  writeStderr(`warning: ${text}\n`);
}

/** In the order that tokens usually have; `--claim` may set `exp`, `iat` and `nbf` as well, to try what they do. */
function readClaims(args: Arguments, now: number): ReadonlyMap<string, unknown> {
  const claims = new Map<string, unknown>();
  for (const [option, claim] of REGISTERED) {
    const value = args.value(option);
    if (value !== undefined) claims.set(claim, value);
  }
  const further = args.all("claim").map(parseClaim);
  for (const [name, value] of further) {
    if (claims.has(name)) throw usage(`the claim of a --claim is there already`, "Give each claim once");
    claims.set(name, value);
  }
  const expires = args.value("expires");
  if (expires !== undefined && claims.has("exp")) {
    throw usage("--expires and a --claim both set exp", "Give one of them");
  }
  if (!claims.has("iat")) claims.set("iat", now);
  if (!claims.has("exp")) claims.set("exp", now + (expires === undefined ? DEFAULT_SECONDS : parseExpires(expires)));
  return claims;
}

function parseExpires(text: string): number {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNIT_SECONDS.get(unit) ?? 0);
  if (seconds > 0 && seconds <= LONGEST_SECONDS) return seconds;
  throw usage("--expires is a time up to 30 days", "Write for example 90s, 15m, 1h or 7d");
}

/** `name=text`, or `name:=JSON`. */
function parseClaim(text: string): readonly [name: string, value: unknown] {
  const equals = text.indexOf("=");
  const isJson = equals > 0 && text[equals - 1] === ":";
  const name = text.slice(0, isJson ? equals - 1 : equals);
  if (equals < 1 || name === "") throw usage("a --claim has no name", "Write --claim name=text or --claim name:=JSON");
  const value = text.slice(equals + 1);
  if (!isJson) return [name, value];
  try {
    return [name, parseStrictJson(value)];
  } catch {
    throw usage("a --claim with := holds no JSON", `Write for example --claim 'groups:=["dev","ops"]'`);
  }
}

function usage(state: string, hint: string): AppError {
  return new AppError("USAGE_INVALID", `Cannot run "kz jwt sign": ${state}`, { hints: [hint] });
}
