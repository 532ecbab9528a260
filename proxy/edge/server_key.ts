/**
 * The server key as what others are derived from; it cannot be exported.
 *
 * @param key 32 uniformly random bytes.
 */
export async function importServerKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (key.length !== 32) throw new RangeError("Cannot use server key: 32 bytes are expected");
  return await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveKey", "deriveBits"]);
}

/**
 * How something is derived for one purpose, from which nothing else derived can be told.
 *
 * @see RFC 5869; the server key is uniformly random and needs no salt (§3.1).
 */
export function hkdf(purpose: string): HkdfParams {
  const info = new TextEncoder().encode(`keyzero/1/${purpose}`);
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
}
