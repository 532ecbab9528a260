import assert from "node:assert/strict";
import fc from "fast-check";
import { parseResourceRef } from "../../../policy/server/resource_ref.ts";
import { Denial } from "../../../policy/server/denial.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { TokenSealer } from "../../../proxy/edge/token_sealer.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

/** Of the tokens below, milliseconds. */
export const SEALED_AT = 1_800_000_000_000;
export const SERVER_KEY = new Uint8Array(32).fill(7);
/** For `github/pat`, sealed once with that key, and good for five minutes. Written out, so that an input repeats itself. */
export const SEALED = {
  token:
    "KZ_TOK_1UWFBJ1Sa_Efpu3mgKGEgIUcVpvmE4eA8PjNu9NfjF-cQhAXmz4qs0bNOZE_FuOy5iQzjwb_TZY_ruSNSFzA-ANAqH3onZe4gX4xcWYeYe_TbZHOcE-ut0rQ",
  otherToken:
    "KZ_TOK_1UWEN2Gx_f1eVt7zJ5W5z7ts-v52Ic0yMXI2QEF3euPKBqZU-VUkr4Xu2C5RmEEMECjdo6VYxmnivm91hrHAty7Gj0hwuycdbwbswugNePmMcxhYIxNVh8_U",
  pass: "KZ_PRX_1UWGOSYT061nJIY6eHnUz_LGJtq1Wmdl8kyTN_KeAngLYc_TlTqHKpmdgoUfXWb7GtnCtLWaG-w",
  otherPass: "KZ_PRX_1UWG-x89Dn1QAoIWvZ1_NM6UVcrf12XPfOtQjMl5ck4jVKucBryrFKmPLlSperK0SMjFxCggdGg",
} as const;
const SUBJECTS: ReadonlyMap<string, string> = new Map([
  [SEALED.token, "agent-1"],
  [SEALED.otherToken, "agent-2"],
  [SEALED.pass, "agent-1"],
  [SEALED.otherPass, "agent-2"],
]);
const sealer = await TokenSealer.create(SERVER_KEY);

/** TM-36: what the server did not seal, character for character, does not open, and a pass is no token. */
export const sealedTokens: FuzzTarget = {
  name: "sealed-token",
  inputs: fc.constantFrom(...SUBJECTS.keys()).map(encodeLatin1),
  dictionary: ["KZ_TOK_1", "KZ_PRX_1", "KZ_TOK_2", "=", "-", "_", "+", "/", "A", "UW", "\n", SEALED.token.slice(8, 40)],
  async check(input) {
    const text = decodeLatin1(input);
    const subject = SUBJECTS.get(text);
    const isToken = text.startsWith("KZ_TOK_");
    const token = await opened(sealer.open(text, SEALED_AT));
    const pass = await opened(sealer.openPass(text, SEALED_AT));
    const late = await opened(sealer.open(text, SEALED_AT + 300_000));
    assert.equal(token?.subject, isToken ? subject : undefined);
    assert.equal(token?.resource, subject === undefined || !isToken ? undefined : parseResourceRef("github/pat"));
    assert.equal(pass?.subject, isToken ? undefined : subject);
    assert.equal(late, undefined);
    return subject !== undefined;
  },
};

async function opened<T>(claims: Promise<T>): Promise<T | undefined> {
  try {
    return await claims;
  } catch (error) {
    assert.ok(error instanceof Denial && /^TOKEN_/.test(error.code), String(error));
    return undefined;
  }
}
