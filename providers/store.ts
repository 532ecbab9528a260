import { dirname } from "node:path";
import { AppError } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";
import { lockFile, replaceFile } from "./atomic_file.ts";
import type { ProviderOptions } from "./options.ts";
import type { Provider } from "./provider.ts";
import { readError, storeError } from "./provider_error.ts";
import { resolveEach } from "./resolve_each.ts";
import { generateIdentity, keyKind, openStore, sealStore, unreadable } from "./store_format.ts";
import { chooseKey, findKey, type KeyRequest, type StoreKey } from "./store_key.ts";
import { IDENTITY_PLACES, type IdentityPlace } from "./store_names.ts";

/** Owner only: the file is encrypted, and still nobody else's. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/**
 * The embedded store: one age file of all secrets; a reference is an item's name.
 *
 * @param options `path`: absolute; `identity`: where its key is kept, see {@linkcode chooseKey}.
 */
export function createStoreProvider(options: ProviderOptions): Provider {
  const path = options.path;
  if (path === undefined) throw new TypeError('Cannot make store: the option "path" was not prepared');
  const place = placeOf(options.identity);

  async function open(signal: AbortSignal): Promise<{ entries: Map<string, string>; key: StoreKey } | undefined> {
    const file = await readStore(path!);
    if (file === undefined) return undefined;
    const key = await findKey(keyKind(path!, file), { path: path!, place, signal });
    return { entries: await openStore(path!, file, key), key };
  }

  return {
    async resolve(requests, { signal }) {
      const entries = (await open(signal))?.entries;
      return await resolveEach(requests, (ref) => {
        const value = entries?.get(ref);
        if (value !== undefined) return new TextEncoder().encode(value);
        const state = entries === undefined ? "there is no store yet" : "the store has no such item";
        throw readError({ code: "PROVIDER_SECRET_NOT_FOUND", provider: "store", ref }, state, {
          hints: ["Run `kz put` to store it"],
        });
      });
    },

    async put(ref, bytes, { signal }) {
      const value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      const request: KeyRequest = { path, place, signal };
      try {
        await Deno.mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
        using _lock = await lockFile(path, { signal });
        const { entries, key } = await open(signal) ??
          { entries: new Map<string, string>(), key: await chooseKey(request, generateIdentity) };
        entries.set(ref, value);
        await replaceFile(path, await sealStore(entries, key), FILE_MODE);
      } catch (error) {
        throw error instanceof AppError ? error : writeFailure(ref, error, signal);
      }
    },

    async check({ signal }) {
      await open(signal);
    },
  };
}

function placeOf(text: string | undefined): IdentityPlace {
  const place = IDENTITY_PLACES.find((known) => known === (text ?? "auto"));
  if (place === undefined) throw new TypeError('Cannot make store: the option "identity" was not checked');
  return place;
}

/** @returns undefined if there is no file. An empty one is a damaged store, not a new one. */
async function readStore(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw unreadable(path, "the system does not let this user read it", cause);
  }
}

function writeFailure(ref: SecretRef, cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const full = cause instanceof Error && "code" in cause && cause.code === "ENOSPC";
  const state = full ? "the disk is full; the store is as it was" : "the store cannot be written; it is as it was";
  return storeError({ code: "PROVIDER_WRITE_FAILED", provider: "store", ref }, state, {
    cause,
    hints: [
      full ? "Free some space and try again" : "See that the store's directory belongs to you and can be written",
    ],
  });
}
