import { AppError } from "../policy/error.ts";
import { replaceFile } from "./atomic_file.ts";
import { KeychainFailure } from "./keychain_backend.ts";
import { DEFAULT_SERVICE, systemKeychain } from "./keychain_system.ts";
import { identityPath, type IdentityPlace, PASSPHRASE_VARIABLE } from "./store_names.ts";

/** What opens a store. `secret` is an age identity (`AGE-SECRET-KEY-1…`) or a passphrase. */
export interface StoreKey {
  readonly kind: "identity" | "passphrase";
  readonly secret: string;
}

export interface KeyRequest {
  /** The store's file, absolute. */
  readonly path: string;
  readonly place: IdentityPlace;
  readonly signal: AbortSignal;
}

/**
 * Finds the key of a store that exists.
 *
 * The store says itself whether it was made with a passphrase. If not, its identity is the file beside it where there is
 * one, else an item of the keychain.
 *
 * @param kind What the head of the store asks for.
 * @throws {AppError} `STORE_PASSPHRASE_MISSING`, `STORE_IDENTITY_MISSING` or `STORE_IDENTITY_EXPOSED`.
 */
export async function findKey(kind: StoreKey["kind"], request: KeyRequest): Promise<StoreKey> {
  if (kind === "passphrase") return passphraseKey(request.path);
  const secret = await readIdentityFile(request) ?? await readKeychain(request);
  if (secret !== undefined) return { kind, secret };
  throw new AppError(
    "STORE_IDENTITY_MISSING",
    `Cannot open store "${request.path}": its identity is neither in the keychain nor in a file beside it`,
    { hints: [`Bring back "${identityPath(request.path)}", or open the keychain on which the store was made`] },
  );
}

/**
 * Chooses the key of a new store, making one if there is none.
 *
 * With the place `auto`: a passphrase if `KEYZERO_PASSPHRASE` is set and not empty; else the identity that is there; else a
 * new one in the keychain if one answers; else a new one in a file that only the owner can read.
 *
 * @param generate Makes an age identity.
 * @throws {AppError} as {@linkcode findKey} does, and `PROVIDER_UNAVAILABLE` if a keychain answers but does not keep it.
 */
export async function chooseKey(request: KeyRequest, generate: () => Promise<string>): Promise<StoreKey> {
  const { path, place } = request;
  if (place === "passphrase" || (place === "auto" && passphrase() !== undefined)) return passphraseKey(path);
  const known = await readIdentityFile(request) ?? await readKeychain(request);
  if (known !== undefined) return { kind: "identity", secret: known };
  const secret = await generate();
  if (place === "file" || !await keepInKeychain(request, secret)) {
    await replaceFile(identityPath(path), new TextEncoder().encode(`${secret}\n`), 0o600);
  }
  return { kind: "identity", secret };
}

function passphrase(): string | undefined {
  return Deno.env.get(PASSPHRASE_VARIABLE) || undefined;
}

function passphraseKey(path: string): StoreKey {
  const secret = passphrase();
  if (secret !== undefined) return { kind: "passphrase", secret };
  throw new AppError(
    "STORE_PASSPHRASE_MISSING",
    `Cannot open store "${path}": it takes a passphrase, and ${PASSPHRASE_VARIABLE} is not set`,
    { hints: [`Set ${PASSPHRASE_VARIABLE} to the passphrase that the store was made with`] },
  );
}

async function readIdentityFile({ path, place }: KeyRequest): Promise<string | undefined> {
  if (place !== "auto" && place !== "file") return undefined;
  const file = identityPath(path);
  try {
    using opened = await Deno.open(file, { read: true });
    // Of the opened file, so that it cannot be another one by the time it is read. Windows has no such bits.
    const { mode } = await opened.stat();
    if (mode !== null && (mode & 0o077) !== 0) {
      throw new AppError("STORE_IDENTITY_EXPOSED", `Cannot use identity "${file}": other users may read or change it`, {
        hints: [`Run: chmod 600 ${file}`, "If others may have read it, store the secrets anew under a new identity"],
      });
    }
    const text = (await new Response(opened.readable).text()).trim();
    if (/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/.test(text)) return text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof AppError) throw error;
    throw new AppError("STORE_IDENTITY_MISSING", `Cannot read identity "${file}": the system refused`, {
      cause: error,
    });
  }
  throw new AppError("STORE_IDENTITY_MISSING", `Cannot read identity "${file}": it is not an age identity`, {
    hints: ["Bring the file back from a copy; kz does not overwrite it"],
  });
}

async function readKeychain(request: KeyRequest): Promise<string | undefined> {
  if (request.place !== "auto" && request.place !== "keychain") return undefined;
  try {
    const bytes = await (await systemKeychain()).get(item(request), request.signal);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  } catch (error) {
    return keychainProblem(request, error);
  }
}

/** @returns Whether the keychain has it now; false if there is no keychain on this machine. */
async function keepInKeychain(request: KeyRequest, secret: string): Promise<boolean> {
  try {
    const keychain = await systemKeychain();
    await keychain.set(item(request), new TextEncoder().encode(secret), request.signal);
    const kept = await keychain.get(item(request), request.signal);
    if (kept !== undefined && new TextDecoder().decode(kept) === secret) return true;
    throw new KeychainFailure("refused", "the keychain did not keep the identity");
  } catch (error) {
    keychainProblem(request, error);
    return false;
  }
}

/** No keychain at all is no problem where the place is `auto`; a keychain that refuses is one. */
function keychainProblem({ path, place }: KeyRequest, error: unknown): undefined {
  if (!(error instanceof KeychainFailure)) throw error;
  if (error.kind === "missing" && place === "auto") return undefined;
  throw new AppError("PROVIDER_UNAVAILABLE", `Cannot open store "${path}": ${error.message}`, {
    cause: error,
    hints: ["Unlock the keychain and try again", 'For a new store, set identity = "file" under [providers.store]'],
  });
}

function item({ path }: KeyRequest): { service: string; name: string } {
  return { service: DEFAULT_SERVICE, name: `store identity ${path}` };
}
