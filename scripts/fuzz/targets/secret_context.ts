import { parseHost } from "../../../policy/host.ts";
import { makeMaskedToken } from "../../../policy/masked_token.ts";
import { parsePlacement } from "../../../policy/placement.ts";
import { Secret } from "../../../policy/secret.ts";
import { parseSecretName } from "../../../policy/secret_name.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import { HttpError } from "../../../proxy/http/http_error.ts";
import { Refusal } from "../../../proxy/refusal.ts";
import { ScrubPlan } from "../../../proxy/scrub/scrub_plan.ts";
import type { SwapContext } from "../../../proxy/swap/grant.ts";
import { TokenTable } from "../../../proxy/token_table.ts";

/** The one token of the fuzzed run, and its value, which needs escapes everywhere and is never written by a client. */
export const TOKEN = makeMaskedToken(new Uint8Array(16).fill(0xab));
export const REAL = 'real/"v+l&=ü %';

const ref = parseSecretRef("fuzz");
const outgoing = new ScrubPlan([{ text: TOKEN, standIn: TOKEN }]);

/** What a swap goes by when the token may stand in these places of requests to `api.test`. */
export function swapContext(...places: readonly string[]): SwapContext {
  const real = new Secret(ref, new TextEncoder().encode(REAL));
  const grant = { name: parseSecretName("T"), token: TOKEN, real, hosts: undefined, in: places.map(parsePlacement) };
  return {
    destination: { host: parseHost("api.test"), port: 443, defaultPort: 443, path: "/", trusted: true },
    tokens: new TokenTable([grant]),
    encoded: outgoing,
    used: new Set(),
  };
}

/** Runs a swap. @returns Undefined if it refuses; anything else that it throws is a finding. */
export function accepted<T>(swap: () => T): T | undefined {
  try {
    return swap();
  } catch (error) {
    if (error instanceof Refusal || error instanceof HttpError) return undefined;
    throw error;
  }
}

/** Words for inputs with tokens in them, plain and disguised. */
export const TOKEN_WORDS: readonly string[] = [
  TOKEN,
  btoa(TOKEN),
  btoa(`u:${TOKEN}`),
  `%6b${TOKEN.slice(1)}`,
  `%256b${TOKEN.slice(1)}`,
  `\\u006b${TOKEN.slice(1)}`,
  `&#107;${TOKEN.slice(1)}`,
  `kz_masked_${"cd".repeat(16)}`,
  "kz_masked_",
  "kz%5Fmasked%5F",
];
