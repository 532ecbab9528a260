// Stores values in the keychain through the resolver worker, reads them back, and prints what came of it as JSON.
// Also makes a store whose identity goes into the keychain. The first argument is a
// directory to work in; with a second one, that item is read and nothing else is done.
import { AppError } from "../../../policy/error.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import { collectValues } from "../collect_values.ts";
import { checkProvider, putSecret } from "../put_secret.ts";
import { resolveAll } from "../resolve_all.ts";

const [root = "/", only] = Deno.args;
const PROVIDERS = new Map([["store", { path: "store.age" }], ["keychain", { service: "kz-test" }]]);
const VALUES = [
  "s3cret",
  "trailing line break\n",
  "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n",
  "pässwörd 🔑",
  " spaces ",
  "x".repeat(8191),
];

async function attempt(action: () => Promise<unknown>): Promise<unknown> {
  try {
    return await action() ?? "done";
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

function put(provider: string, ref: string, text: string): Promise<unknown> {
  const secret = { provider, ref: parseSecretRef(ref), bytes: new TextEncoder().encode(text) };
  return attempt(() => putSecret(secret, PROVIDERS, { root }));
}

async function get(provider: string, ref: string): Promise<string | undefined> {
  using outcome = await resolveAll([{ id: "a", provider, ref: parseSecretRef(ref) }], PROVIDERS, { root });
  const values = await collectValues(outcome.valuePorts, outcome.found);
  const bytes = values.get("a");
  return bytes === undefined ? outcome.failed[0]?.error.code : new TextDecoder().decode(bytes);
}

async function exercise(): Promise<string> {
  const same: unknown[] = [];
  for (const [index, value] of VALUES.entries()) {
    const stored = await put("keychain", `item ${index}`, value);
    same.push(stored === "done" ? await get("keychain", `item ${index}`) === value : stored);
  }
  const result = {
    check: await attempt(() => checkProvider("keychain", PROVIDERS, { root })),
    same,
    replaced: [await put("keychain", "item 0", "new"), await get("keychain", "item 0")],
    odd: [await put("keychain", '--label="x" $(id)', "odd"), await get("keychain", '--label="x" $(id)')],
    missing: await get("keychain", "no such item"),
    tooLong: await put("keychain", "long", "x".repeat(8192)),
    store: [await put("store", "a", "in the store"), await get("store", "a")],
    files: [...Deno.readDirSync(root)].map(({ name }) => name).filter((name) => name.startsWith("store")).sort(),
  };
  return JSON.stringify(result);
}

console.log(only === undefined ? await exercise() : await get("keychain", only));
