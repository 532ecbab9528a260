import { Refusal } from "../refusal.ts";
import { scopeText } from "./credential_scope.ts";
import type { AwsCredentials } from "./credentials.ts";
import type { SignedRequest } from "./signed_request.ts";
import { sha256Hex, SigningKey } from "./signing_key.ts";
import { encodeLatin1 } from "../http/latin1.ts";

const EMPTY_HASH = sha256Hex("");

/**
 * Checks each chunk's signature, and signs the chunk anew. A signature covers the one before it, so that two chains run side
 * by side: the program's, and ours.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class ChunkSigner implements Disposable {
  readonly #signed: SignedRequest;
  readonly #maskedKey: SigningKey;
  readonly #realKey: SigningKey;
  #maskedBefore: string;
  #realBefore: string;

  /** @param seed The new signature of the head. */
  constructor(signed: SignedRequest, { secretKey }: AwsCredentials, seed: string) {
    this.#signed = signed;
    this.#maskedKey = new SigningKey(encodeLatin1(signed.keys.secretKey), signed.scope);
    this.#realKey = new SigningKey(secretKey.real, signed.scope);
    this.#maskedBefore = signed.signature;
    this.#realBefore = seed;
  }

  /** @returns The new signature. @throws {Refusal} `PROXY_AWS_SIGNATURE_INVALID` */
  chunk(data: Uint8Array, signature: string): string {
    return this.#next("AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_HASH, sha256Hex(data)], signature);
  }

  /** @param lines `name:value\n` for each trailer. */
  trailer(lines: string, signature: string): string {
    return this.#next("AWS4-HMAC-SHA256-TRAILER", [sha256Hex(lines)], signature);
  }

  #next(kind: string, hashes: readonly string[], signature: string): string {
    const { timestamp, scope, keys } = this.#signed;
    const text = (before: string) => [kind, timestamp, scopeText(scope), before, ...hashes].join("\n");
    if (this.#maskedKey.sign(text(this.#maskedBefore)) !== signature) {
      throw new Refusal("PROXY_AWS_SIGNATURE_INVALID", { secret: keys.name });
    }
    this.#maskedBefore = signature;
    this.#realBefore = this.#realKey.sign(text(this.#realBefore));
    return this.#realBefore;
  }

  [Symbol.dispose](): void {
    this.#maskedKey[Symbol.dispose]();
    this.#realKey[Symbol.dispose]();
  }
}
