import { readServerKeyFile } from "../server_key.ts";

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

/** The same, from a file that holds the server key. */
export async function readAuditKeyFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await deriveAuditKey(await readServerKeyFile(path));
}
