import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { Denial } from "../../policy/server/denial.ts";
import { parseResourceRef, type ResourceRef } from "../../policy/server/resource_ref.ts";
import { MAX_SEALED_LENGTH, PASS_PREFIX, SEALED_PREFIX } from "../../policy/sealed_token.ts";
import { decodeBase64url } from "../base64url.ts";
import { hkdf, importServerKey } from "./server_key.ts";

/** What a `KZ_TOK_` says to who has the server key, and to nobody else. */
export interface SealedClaims {
  /** 128 random bits, as {@linkcode newTokenId} makes them. Names the token in the audit and in revocations. */
  readonly id: string;
  readonly resource: ResourceRef;
  /** The issuer's name in the bundle: at most 128 characters. */
  readonly issuer: string;
  /** Whose token it is: at most 512 characters. */
  readonly subject: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  /** Milliseconds since the epoch; from then on it is worth nothing. */
  readonly expiresAt: number;
}

/** Who may use the server's proxy: the password of a proxy URL. */
export interface ProxyPass {
  readonly issuer: string;
  readonly subject: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Longest texts, in characters: with more, heads would become too long for many clients. */
const MAX = { issuer: 128, subject: 512, resource: 256 } as const;
const ID_REGEXP = /^[0-9a-f]{32}$/;
const ID_BYTES = 16;
/** 48 bits of milliseconds last for 8,900 years. */
const TIME_BYTES = 6;
const DAY_MS = 24 * 60 * 60 * 1000;
const DAY_BYTES = 2;
/** SP 800-38D §8.2.2: 96 random bits. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Keys of days that are kept ready: those of short and of long tokens, and what strangers ask for. */
const KEPT_KEYS = 8;

/**
 * Seals what a token says, so that any replica that has the server key can read it back and nothing need be stored.
 *
 * A token is its prefix and base64url of `day || nonce || ciphertext || tag`: AES-256-GCM, the prefix as additional data.
 * Its key is derived (HKDF-SHA-256, RFC 5869) from the server key for one purpose and one day, the day on which the
 * token ends. Random nonces are good for 2³² messages of one key (SP 800-38D §8.3), after which two share a nonce with a
 * chance of 2⁻³³: that many for each day are 49,710 a second, over all replicas, where one key for all would be used up
 * by 3,000 a second in 17 days.
 */
export class TokenSealer {
  readonly #token: SealingKeys;
  readonly #pass: SealingKeys;

  private constructor(root: CryptoKey) {
    this.#token = new SealingKeys(root, SEALED_PREFIX);
    this.#pass = new SealingKeys(root, PASS_PREFIX);
  }

  /** @param key The server key: 32 uniformly random bytes. It is copied and not kept as bytes. */
  static async create(key: Uint8Array<ArrayBuffer>): Promise<TokenSealer> {
    return new TokenSealer(await importServerKey(key));
  }

  /** @throws {Denial} `JWT_CLAIMS_INVALID` for a subject that is too long, or not Unicode. */
  async seal({ id, resource, issuer, subject, issuedAt, expiresAt }: SealedClaims): Promise<string> {
    if (!ID_REGEXP.test(id)) throw new RangeError("Cannot seal token: its id is not 32 hexadecimal digits");
    const payload = new PayloadWriter();
    payload.bytes(Buffer.from(id, "hex"));
    payload.time(issuedAt);
    payload.time(expiresAt);
    payload.text(resource, MAX.resource);
    payload.text(issuer, MAX.issuer);
    payload.text(subject, MAX.subject);
    return await this.#token.seal(payload.whole(), expiresAt);
  }

  /**
   * @param now Milliseconds since the epoch.
   * @throws {Denial} `TOKEN_INVALID`, `TOKEN_EXPIRED`
   */
  async open(token: string, now: number): Promise<SealedClaims> {
    return unexpired(await this.identify(token), now);
  }

  /**
   * What a token says that this server made, whether it has expired or not: for the audit, never to grant anything.
   *
   * @throws {Denial} `TOKEN_INVALID`
   */
  async identify(token: string): Promise<SealedClaims> {
    return readPayload(await this.#token.open(token), (payload) => ({
      id: Array.from(payload.bytes(ID_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      issuedAt: payload.time(),
      expiresAt: payload.time(),
      resource: parseResourceRef(payload.text()),
      issuer: payload.text(),
      subject: payload.text(),
    }));
  }

  /** @throws {Denial} as {@linkcode seal}. */
  async sealPass({ issuer, subject, expiresAt }: ProxyPass): Promise<string> {
    const payload = new PayloadWriter();
    payload.time(expiresAt);
    payload.text(issuer, MAX.issuer);
    payload.text(subject, MAX.subject);
    return await this.#pass.seal(payload.whole(), expiresAt);
  }

  /** @throws {Denial} `TOKEN_INVALID`, `TOKEN_EXPIRED` */
  async openPass(text: string, now: number): Promise<ProxyPass> {
    return unexpired(await this.identifyPass(text), now);
  }

  /** As {@linkcode identify}. */
  async identifyPass(text: string): Promise<ProxyPass> {
    return readPayload(await this.#pass.open(text), (payload) => ({
      expiresAt: payload.time(),
      issuer: payload.text(),
      subject: payload.text(),
    }));
  }
}

/** A new token's id. */
export function newTokenId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(ID_BYTES)).buffer).toString("hex");
}

const utf8 = new TextEncoder();

const CIPHER = "aes-256-gcm";

/**
 * The keys of one purpose, one a day.
 *
 * Sealed by `node:crypto`: WebCrypto would hand each token of a hundred bytes to another thread, for twice the time.
 */
class SealingKeys {
  readonly #root: CryptoKey;
  readonly #prefix: string;
  /** By day; oldest first. */
  readonly #keys = new Map<number, Promise<Uint8Array>>();

  constructor(root: CryptoKey, prefix: string) {
    this.#root = root;
    this.#prefix = prefix;
  }

  async seal(payload: Uint8Array<ArrayBuffer>, expiresAt: number): Promise<string> {
    const day = Math.floor(expiresAt / DAY_MS);
    if (!(day >= 0 && day < 2 ** (8 * DAY_BYTES))) throw new RangeError("Cannot seal token: it ends too late");
    const head = new Uint8Array(DAY_BYTES + NONCE_BYTES);
    new DataView(head.buffer).setUint16(0, day);
    const nonce = crypto.getRandomValues(head.subarray(DAY_BYTES));
    const cipher = createCipheriv(CIPHER, await this.#key(day), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(utf8.encode(this.#prefix));
    const sealed = [head, cipher.update(payload), cipher.final(), cipher.getAuthTag()];
    return this.#prefix + Buffer.concat(sealed).toString("base64url");
  }

  /** @throws {Denial} `TOKEN_INVALID` */
  async open(text: string): Promise<Uint8Array<ArrayBuffer>> {
    if (text.length > MAX_SEALED_LENGTH || !text.startsWith(this.#prefix)) throw invalid();
    const whole = decodeBase64url(text.slice(this.#prefix.length));
    if (whole === undefined || whole.length < DAY_BYTES + NONCE_BYTES + TAG_BYTES) throw invalid();
    const nonce = whole.subarray(DAY_BYTES, DAY_BYTES + NONCE_BYTES);
    const key = await this.#key(new DataView(whole.buffer).getUint16(0));
    const tagAt = whole.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(utf8.encode(this.#prefix));
    decipher.setAuthTag(whole.subarray(tagAt));
    try {
      const payload = decipher.update(whole.subarray(DAY_BYTES + NONCE_BYTES, tagAt));
      // Throws if the tag is another; nothing of the payload is looked at before.
      return Uint8Array.from(Buffer.concat([payload, decipher.final()]));
    } catch {
      throw invalid();
    }
  }

  #key(day: number): Promise<Uint8Array> {
    const known = this.#keys.get(day);
    if (known !== undefined) return known;
    const key = deriveDayKey(this.#root, `${this.#prefix}/${day}`);
    this.#keys.set(day, key);
    if (this.#keys.size > KEPT_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    return key;
  }
}

/** As bytes: `KeyObject` is refused by the runtime that older executables have. */
async function deriveDayKey(root: CryptoKey, purpose: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.deriveBits(hkdf(purpose), root, 8 * KEY_BYTES));
}

function unexpired<T extends { readonly expiresAt: number }>(claims: T, now: number): T {
  // What is not a time denies as well.
  if (!(now < claims.expiresAt)) throw new Denial("TOKEN_EXPIRED");
  return claims;
}

function invalid(): Denial {
  return new Denial("TOKEN_INVALID");
}

/** Fixed numbers of bytes, and texts with their length before them. */
class PayloadWriter {
  readonly #pieces: Uint8Array[] = [];

  bytes(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  time(ms: number): void {
    if (!(Number.isSafeInteger(ms) && ms >= 0 && ms < 2 ** (8 * TIME_BYTES))) {
      throw new RangeError("Cannot seal token: a time is not in milliseconds since the epoch");
    }
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigUint64(0, BigInt(ms));
    this.bytes(new Uint8Array(bytes.buffer, 8 - TIME_BYTES));
  }

  text(text: string, maxLength: number): void {
    // The encoder would make the same bytes of different texts that are not Unicode.
    if (text.length > maxLength || !text.isWellFormed()) {
      throw new Denial("JWT_CLAIMS_INVALID", {
        detail: `A subject is Unicode and has at most ${MAX.subject} characters`,
      });
    }
    const bytes = utf8.encode(text);
    this.bytes(new Uint8Array([bytes.length >> 8, bytes.length & 0xff]));
    this.bytes(bytes);
  }

  whole(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

class PayloadReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw invalid();
    return this.#bytes.subarray(this.#at, this.#at += count);
  }

  time(): number {
    return this.bytes(TIME_BYTES).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  text(): string {
    const [high = 0, low = 0] = this.bytes(2);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes(high << 8 | low));
  }
}

/** Reads all of a payload. It is authentic; what does not read is of another version of ours. */
function readPayload<T>(bytes: Uint8Array, read: (payload: PayloadReader) => T): T {
  const payload = new PayloadReader(bytes);
  try {
    const claims = read(payload);
    if (payload.ended) return claims;
  } catch {
    // Below.
  }
  throw invalid();
}
