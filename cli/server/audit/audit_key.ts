import { Buffer } from "node:buffer";
import { AppError } from "../../../policy/error.ts";
import { systemState } from "../../config/system_error.ts";

/** Tells this key from others that are derived of the server key. */
const INFO = new TextEncoder().encode("keyzero audit log, MAC, version 1");

/**
 * The key of the audit log's MACs (HKDF with SHA-256, RFC 5869), so that the audit worker never has the key that tokens
 * are sealed under.
 *
 * @param serverKey 32 bytes.
 * @returns 32 bytes.
 */
export async function deriveAuditKey(serverKey: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const base = await crypto.subtle.importKey("raw", serverKey, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: INFO };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, base, 256));
}

/**
 * The same, from a file that holds the server key as `KEYZERO_SERVER_KEY` does: hexadecimal, base64 or base64url.
 *
 * @throws {AppError} `SERVER_KEY_INVALID`; the message never holds what the file does.
 */
export async function readAuditKeyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let text: string;
  try {
    text = (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw invalid(systemState(error));
  }
  const bytes = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, "hex")
    : /^(?:[A-Za-z0-9_-]{43}|[A-Za-z0-9+/]{43})=?$/.test(text)
    ? Buffer.from(text, "base64")
    : undefined;
  if (bytes?.length !== 32) throw invalid("it is not 32 bytes in hexadecimal or base64");
  return await deriveAuditKey(new Uint8Array(bytes));
}

function invalid(state: string): AppError {
  return new AppError("SERVER_KEY_INVALID", `Cannot read key file: ${state}`, {
    hints: ["Give the file with the key that the server runs with, KEYZERO_SERVER_KEY"],
  });
}
