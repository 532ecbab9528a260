import assert from "node:assert/strict";
import { makeMaskedToken, type MaskedToken } from "../policy/masked_token.ts";
import { DEFAULT_PLACEMENTS } from "../policy/placement.ts";
import { Secret } from "../policy/secret.ts";
import { parseSecretName } from "../policy/secret_name.ts";
import { parseSecretRef } from "../policy/secret_ref.ts";
import { TokenTable } from "./token_table.ts";

const REF = parseSecretRef("r");
const FIRST = makeMaskedToken(new Uint8Array(16).fill(1));
const SECOND = makeMaskedToken(new Uint8Array(16).fill(2));

function table(...tokens: readonly MaskedToken[]): TokenTable {
  return new TokenTable(tokens.map((token, at) => ({
    name: parseSecretName(`T${at}`),
    token,
    real: new Secret(REF, new TextEncoder().encode("x")),
    hosts: undefined,
    in: DEFAULT_PLACEMENTS,
  })));
}

Deno.test("TM-23 TokenTable replaces tokens side by side, each by its own value, and looks at no value again", () => {
  const tokens = table(FIRST, SECOND);
  const swapped = tokens.replace(`${FIRST}${SECOND}.${FIRST}ab`, (token) => token === FIRST ? SECOND : "two");
  assert.equal(swapped, `${SECOND}two.${SECOND}ab`);
});

Deno.test("TM-23 TokenTable refuses a token that stands inside another, or twice", () => {
  assert.throws(() => table(FIRST, FIRST), { code: "INTERNAL" });
});

Deno.test("TokenTable finds what looks like a token of another run, so that it can be refused", () => {
  assert.equal(table(FIRST).standIn(`Bearer ${SECOND}`), true);
  assert.equal(table(FIRST).get(SECOND), undefined);
  assert.equal(table(FIRST).standIn("kz_masked_ is no token"), false);
});
