import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { AppError } from "../policy/error.ts";
import type { StoreKey } from "./store_key.ts";
import { PASSPHRASE_VARIABLE } from "./store_names.ts";

/** The first lines of an age file name the recipients in the clear (https://age-encryption.org/v1). */
const HEAD_REGEXP = /^age-encryption\.org\/v1\n-> (scrypt|X25519) /;

/** What a store was made with, from its head. @throws {AppError} `STORE_UNREADABLE` if it is not one of ours. */
export function keyKind(path: string, file: Uint8Array): StoreKey["kind"] {
  const kind = HEAD_REGEXP.exec(new TextDecoder().decode(file.subarray(0, 64)))?.[1];
  if (kind === undefined) throw unreadable(path, "it is not an age file, or it was cut off");
  return kind === "scrypt" ? "passphrase" : "identity";
}

export function generateIdentity(): Promise<string> {
  return generateX25519Identity();
}

/**
 * Opens a store.
 *
 * @returns Values by name.
 * @throws {AppError} `STORE_PASSPHRASE_WRONG` or `STORE_UNREADABLE`.
 */
export async function openStore(path: string, file: Uint8Array, key: StoreKey): Promise<Map<string, string>> {
  const decrypter = new Decrypter();
  if (key.kind === "passphrase") decrypter.addPassphrase(key.secret);
  else decrypter.addIdentity(key.secret);
  let plain: Uint8Array;
  try {
    plain = await decrypter.decrypt(file);
  } catch (cause) {
    // The library tells a key that does not fit from a file that is damaged by words only.
    const wrongKey = cause instanceof Error && /no identity matched/.test(cause.message);
    if (!wrongKey) throw unreadable(path, "it is damaged or was cut off", cause);
    if (key.kind === "identity") throw unreadable(path, "it was made with another identity", cause);
    throw new AppError("STORE_PASSPHRASE_WRONG", `Cannot open store "${path}": the passphrase does not fit`, {
      cause,
      hints: [`Set ${PASSPHRASE_VARIABLE} to the passphrase that the store was made with`],
    });
  }
  try {
    return readEntries(path, new TextDecoder("utf-8", { fatal: true }).decode(plain));
  } finally {
    plain.fill(0);
  }
}

function readEntries(path: string, text: string): Map<string, string> {
  const content: unknown = parseJson(text);
  if (!isRecord(content) || content.version !== 1 || !isRecord(content.secrets)) {
    throw unreadable(path, "its content is of a form that this version does not know");
  }
  const entries = new Map<string, string>();
  for (const [name, value] of Object.entries(content.secrets)) {
    if (typeof value !== "string") throw unreadable(path, "its content is of a form that this version does not know");
    entries.set(name, value);
  }
  return entries;
}

/** Seals a store. */
export async function sealStore(entries: ReadonlyMap<string, string>, key: StoreKey): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  if (key.kind === "passphrase") encrypter.setPassphrase(key.secret);
  else encrypter.addRecipient(await identityToRecipient(key.secret));
  const plain = new TextEncoder().encode(JSON.stringify({ version: 1, secrets: Object.fromEntries(entries) }));
  try {
    return await encrypter.encrypt(plain);
  } finally {
    plain.fill(0);
  }
}

export function unreadable(path: string, state: string, cause?: unknown): AppError {
  return new AppError("STORE_UNREADABLE", `Cannot open store "${path}": ${state}`, {
    cause,
    hints: ["Bring the file back from a copy, or move it away and store the secrets anew; kz does not overwrite it"],
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
