import assert from "node:assert/strict";
import { AppError } from "../policy/error.ts";
import { parseSecretRef } from "../policy/secret_ref.ts";
import { createKeychainProvider } from "./keychain.ts";
import { type KeychainBackend, KeychainFailure } from "./keychain_backend.ts";

const { signal } = new AbortController();
const ref = parseSecretRef("github-pat");
const utf8 = (text: string) => new TextEncoder().encode(text);

function memoryKeychain(): KeychainBackend {
  const items = new Map<string, Uint8Array>();
  return {
    maxBytes: 8,
    get: ({ service, name }) => Promise.resolve(items.get(`${service}/${name}`)),
    set: ({ service, name }, bytes) => Promise.resolve(void items.set(`${service}/${name}`, bytes)),
  };
}

function failingKeychain(kind: "missing" | "refused"): KeychainBackend {
  const fail = () => Promise.reject(new KeychainFailure(kind, "it is so"));
  return { maxBytes: 8, get: fail, set: fail };
}

Deno.test("createKeychainProvider() keeps items by service and name", async () => {
  const backend = memoryKeychain();
  const provider = createKeychainProvider({}, () => Promise.resolve(backend));
  const other = createKeychainProvider({ service: "other" }, () => Promise.resolve(backend));
  await provider.put!(ref, utf8("value"), { signal });
  assert.deepEqual(await provider.resolve([{ id: "a", ref }], { signal }), [{ id: "a", bytes: utf8("value") }]);
  const [missing] = await other.resolve([{ id: "a", ref }], { signal });
  assert(missing !== undefined && "error" in missing && missing.error instanceof AppError);
  assert.equal(missing.error.code, "PROVIDER_SECRET_NOT_FOUND");
  assert.equal(
    missing.error.message,
    'Cannot read secret "github-pat" of provider "keychain": the keychain has no such item',
  );
});

Deno.test("createKeychainProvider() refuses a value that the keychain would cut off", async () => {
  const provider = createKeychainProvider({}, () => Promise.resolve(memoryKeychain()));
  await provider.put!(ref, utf8("12345678"), { signal });
  await assert.rejects(provider.put!(ref, utf8("123456789"), { signal }), { code: "PROVIDER_VALUE_INVALID" });
});

for (
  const [kind, code] of [["missing", "PROVIDER_UNAVAILABLE"], ["refused", "PROVIDER_ACCESS_DENIED"]] as const
) {
  Deno.test(`createKeychainProvider() says ${code} of a keychain that is ${kind}`, async () => {
    const provider = createKeychainProvider({}, () => Promise.resolve(failingKeychain(kind)));
    const [resolution] = await provider.resolve([{ id: "a", ref }], { signal });
    assert(resolution !== undefined && "error" in resolution && resolution.error instanceof AppError);
    assert.equal(resolution.error.code, code);
    await assert.rejects(provider.put!(ref, utf8("value"), { signal }), { code });
    await assert.rejects(provider.check({ signal }), { code });
  });
}
