import { Buffer } from "node:buffer";
import { AppError } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { systemState } from "../config/system_error.ts";

export const KEY_VARIABLE = "KEYZERO_SERVER_KEY";
export const KEY_FILE_VARIABLE = "KEYZERO_SERVER_KEY_FILE";

/** Of AES-256, and of what is derived from it. */
const KEY_BYTES = 32;

/** The key that tokens are sealed under. */
export interface ServerKey {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** It was made for this process: its tokens end with it, and no other replica takes them. */
  readonly isOwn: boolean;
}

/**
 * Reads the server key: 32 bytes in hexadecimal, base64 or base64url, in `KEYZERO_SERVER_KEY` or in the file that
 * `KEYZERO_SERVER_KEY_FILE` names. Without either a key is made.
 *
 * @throws {AppError} `SERVER_KEY_INVALID`; the message never holds the key.
 */
export async function readServerKey({ getEnv }: Surroundings): Promise<ServerKey> {
  const text = getEnv(KEY_VARIABLE);
  const path = getEnv(KEY_FILE_VARIABLE);
  if (text && path) throw invalid(`${KEY_VARIABLE} and ${KEY_FILE_VARIABLE} are both set`);
  if (text) return { bytes: parseKey(text, KEY_VARIABLE), isOwn: false };
  if (path) return { bytes: await readServerKeyFile(path), isOwn: false };
  return { bytes: crypto.getRandomValues(new Uint8Array(KEY_BYTES)), isOwn: true };
}

/**
 * Reads a server key from a file.
 *
 * @throws {AppError} `SERVER_KEY_INVALID`; the message never holds what the file does.
 */
export async function readServerKeyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let text: string;
  try {
    text = (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw invalid(`its file cannot be read: ${systemState(error)}`);
  }
  return parseKey(text, "the file");
}

function parseKey(text: string, where: string): Uint8Array<ArrayBuffer> {
  const bytes = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, "hex")
    : /^(?:[A-Za-z0-9_-]{43}|[A-Za-z0-9+/]{43})=?$/.test(text)
    ? Buffer.from(text, "base64")
    : undefined;
  if (bytes?.length !== KEY_BYTES) throw invalid(`what ${where} says is not 32 bytes in hexadecimal or base64`);
  return new Uint8Array(bytes);
}

function invalid(state: string): AppError {
  return new AppError("SERVER_KEY_INVALID", `Cannot read server key: ${state}`, {
    hints: ["Make one with: openssl rand -hex 32"],
  });
}
