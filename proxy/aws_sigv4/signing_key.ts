import { createHash, createHmac } from "node:crypto";
import type { Secret } from "../../policy/secret.ts";
import { ALGORITHM, type CredentialScope, scopeText } from "./credential_scope.ts";

/**
 * A key that signs within one scope, for as long as its own scope lasts.
 *
 * It is derived anew for each request, in a few microseconds: a key that is not kept cannot be read.
 */
export class SigningKey implements Disposable {
  readonly #key: Uint8Array;

  /** @param secretKey The secret access key; it is read during the call only. */
  constructor(secretKey: Secret | Uint8Array, { date, region, service }: CredentialScope) {
    const start = secretKey instanceof Uint8Array
      ? hmacOfPrefixed(secretKey, date)
      : secretKey.reveal((bytes) => hmacOfPrefixed(bytes, date));
    let key = start;
    for (const part of [region, service, "aws4_request"]) {
      const next = hmac(key, part);
      key.fill(0);
      key = next;
    }
    this.#key = key;
  }

  /** @returns The signature in lower-case hexadecimal. */
  sign(stringToSign: string): string {
    return createHmac("sha256", this.#key).update(stringToSign, "latin1").digest("hex");
  }

  [Symbol.dispose](): void {
    this.#key.fill(0);
  }
}

/** What is signed of a request. @param timestamp `YYYYMMDD'T'HHMMSS'Z'`. */
export function stringToSign(timestamp: string, scope: CredentialScope, canonical: string): string {
  return [ALGORITHM, timestamp, scopeText(scope), sha256Hex(canonical)].join("\n");
}

/** @param data Bytes, or text with one character for each byte. */
export function sha256Hex(data: Uint8Array | string): string {
  const hash = createHash("sha256");
  return (typeof data === "string" ? hash.update(data, "latin1") : hash.update(data)).digest("hex");
}

/** The first step of the chain: the secret access key after the letters "AWS4". */
function hmacOfPrefixed(secretKey: Uint8Array, date: string): Uint8Array {
  const prefixed = new Uint8Array(4 + secretKey.length);
  prefixed.set([0x41, 0x57, 0x53, 0x34]);
  prefixed.set(secretKey, 4);
  try {
    return hmac(prefixed, date);
  } finally {
    prefixed.fill(0);
  }
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text, "latin1").digest();
}
