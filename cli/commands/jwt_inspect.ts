import { AppError, EXIT } from "../../policy/error.ts";
import type { Bundle } from "../../policy/server/bundle.ts";
import { Denial } from "../../policy/server/denial.ts";
import type { JwksRequest } from "../../proxy/jwks/protocol.ts";
import { PortCaller } from "../../proxy/port_calls.ts";
import type { Surroundings } from "../config/config_files.ts";
import { readBundle } from "../server/bundle/read_bundle.ts";
import { type CompactJws, parseCompactJws } from "../server/identity/compact_jws.ts";
import { JwksProcess } from "../server/identity/jwks_process.ts";
import { JwtVerifier, type VerifiedJwt } from "../server/identity/jwt_verifier.ts";
import { askSecret, readSecretFromStdin } from "../terminal/ask.ts";
import { writeStderr, writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `kz jwt inspect`: what a JWT says, and, with a bundle, what a server would make of it. The JWT itself is not shown. */
export async function jwtInspectCommand(args: Arguments, around: Surroundings): Promise<number> {
  const path = args.value("bundle");
  const bundle = path === undefined ? undefined : await readBundle(path, around);
  const jwt = await readJwt();
  const { header, claims } = takeApart(jwt);
  const shown = { header, claims, times: timesOf(claims) };
  if (bundle === undefined) {
    writeStdout(json(shown));
    return 0;
  }
  const outcome = await verify(jwt, bundle);
  writeStdout(json({ ...shown, ...outcome.shown }));
  if (outcome.denial === undefined) return 0;
  const { code, title, detail } = outcome.denial;
  writeStderr(`kz: a server refuses it: ${title}${detail === undefined ? "" : `: ${detail}`}\n`);
  return code === "ISSUER_UNAVAILABLE" ? EXIT.provider : EXIT.denied;
}

async function readJwt(): Promise<string> {
  const bytes = Deno.stdin.isTerminal()
    ? await askSecret("Paste the JWT (it is not shown): ")
    : await readSecretFromStdin();
  const jwt = new TextDecoder().decode(bytes).trim();
  bytes.fill(0);
  return jwt;
}

function takeApart(jwt: string): CompactJws {
  try {
    return parseCompactJws(jwt);
  } catch (error) {
    if (!(error instanceof Denial)) throw error;
    throw new AppError("JWT_INPUT_INVALID", `Cannot read JWT: ${error.detail ?? "it is malformed"}`, {
      hints: ["A server refuses it too, whatever its bundle says"],
    });
  }
}

/** What a bundle makes of it. */
interface Outcome {
  readonly shown: Readonly<Record<string, unknown>>;
  readonly denial: Denial | undefined;
}

async function verify(jwt: string, bundle: Bundle): Promise<Outcome> {
  const { port1, port2 } = new MessageChannel();
  using calls = new PortCaller<JwksRequest, string>(port1);
  using jwks = new JwksProcess(bundle);
  jwks.start(port2);
  const verifier = new JwtVerifier(bundle.issuers, { fetchJwks: (url) => calls.call({ url }), now: Date.now });
  try {
    return {
      shown: { verification: { valid: true }, identity: identityOf(await verifier.verify(jwt)) },
      denial: undefined,
    };
  } catch (error) {
    if (!(error instanceof Denial)) throw error;
    const { code, title, detail } = error;
    return { shown: { verification: { valid: false, code, title, detail } }, denial: error };
  }
}

/** Without the claims, which are shown already. */
function identityOf({ identity: { claims: _claims, ...identity } }: VerifiedJwt): Readonly<Record<string, unknown>> {
  return identity;
}

/** The times that a JWT says, in a form for people. */
function timesOf(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const times: Record<string, string> = {};
  for (const [claim, name] of [["iat", "issued"], ["nbf", "valid from"], ["exp", "expires"]] as const) {
    const seconds = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
    const date = typeof seconds === "number" ? new Date(seconds * 1000) : undefined;
    if (date !== undefined && !Number.isNaN(date.getTime())) times[name] = date.toISOString();
  }
  return times;
}

/** JSON that cannot steer a terminal: what `JSON.stringify()` leaves as it is, it is told in escapes. */
function json(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  const escaped = text.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${escaped}\n`;
}
