import type { Host } from "../../policy/host.ts";
import * as der from "./der.ts";

/** A leaf certificate with its key, both PEM. */
export interface LeafCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

interface Naming {
  /** A name that every leaf has besides its host. */
  readonly alsoNamed?: Host;
}

interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/**
 * How long a run's CA and every leaf are valid. The key dies with the process, so that this bounds only how long a run may
 * last; thirty days is longer than agents run and short enough that a stray certificate is soon worthless.
 */
const VALIDITY_MS = 30 * 24 * 60 * 60 * 1000;
/** A leaf that is older is made again: half of its life is left for the connections it was made for. */
export const LEAF_RENEW_MS = VALIDITY_MS / 2;
/** Clients in containers may have clocks that run a little behind. */
const BACKDATE_MS = 60 * 60 * 1000;

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGN_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

const OID = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

/**
 * A certificate authority that lives in memory for one run (TM-29). Its key cannot be exported.
 *
 * All leaves share one key: each is as short-lived and as private to this process as the other.
 *
 * @see RFC 5280
 */
export class CertificateAuthority {
  /** The CA's certificate, for clients to trust; PEM. */
  readonly certificatePem: string;
  readonly #signer: CryptoKey;
  readonly #name: der.DerNode;
  readonly #keyId: Uint8Array;
  readonly #leafSpki: Uint8Array;
  readonly #leafKeyPem: string;
  readonly #madeAt: Date;
  readonly #alsoNamed: readonly Host[];

  private constructor(parts: {
    certificatePem: string;
    signer: CryptoKey;
    name: der.DerNode;
    keyId: Uint8Array;
    leafSpki: Uint8Array;
    leafKeyPem: string;
    madeAt: Date;
    alsoNamed: Host | undefined;
  }) {
    this.certificatePem = parts.certificatePem;
    this.#signer = parts.signer;
    this.#name = parts.name;
    this.#keyId = parts.keyId;
    this.#leafSpki = parts.leafSpki;
    this.#leafKeyPem = parts.leafKeyPem;
    this.#madeAt = parts.madeAt;
    this.#alsoNamed = parts.alsoNamed === undefined ? [] : [parts.alsoNamed];
  }

  /** Makes a new CA with new keys. */
  static async create({ now, ...naming }: { now: Date } & Naming): Promise<CertificateAuthority> {
    const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, false, ["sign", "verify"]);
    // A name of its own each run, so that clients that cache issuers by name never mix two runs.
    const run = hex(serialNumber()).slice(0, 8);
    const validity = { from: new Date(now.getTime() - BACKDATE_MS), to: new Date(now.getTime() + VALIDITY_MS) };
    const nameWithKeyId = () => `KeyZero run ${run}`;
    return await CertificateAuthority.ofKeys(keys, { nameWithKeyId, validity, now, ...naming });
  }

  /**
   * Makes a CA of keys that were made elsewhere: P-256, a private key for signing and a public one that can be exported.
   *
   * @param nameWithKeyId Its common name; it is given eight hexadecimal digits of the key's identifier.
   */
  static async ofKeys(
    { privateKey, publicKey }: CryptoKeyPair,
    { nameWithKeyId, validity, now, alsoNamed }:
      & { nameWithKeyId(keyId: string): string; validity: Validity; now: Date }
      & Naming,
  ): Promise<CertificateAuthority> {
    const leafKeys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
    const [spki, leafSpki, leafKey] = await Promise.all([
      crypto.subtle.exportKey("spki", publicKey),
      crypto.subtle.exportKey("spki", leafKeys.publicKey),
      crypto.subtle.exportKey("pkcs8", leafKeys.privateKey),
    ]);
    const keyId = new Uint8Array(await crypto.subtle.digest("SHA-1", spki));
    const name = distinguishedName(nameWithKeyId(hex(keyId).slice(0, 8)));
    const certificate = await sign(privateKey, {
      serial: serialNumber(),
      issuer: name,
      subject: name,
      validity,
      spki: new Uint8Array(spki),
      extensions: [
        extension(OID.basicConstraints, true, der.sequence(der.boolean(true), der.integer(new Uint8Array([0])))),
        // keyCertSign and cRLSign: bits 5 and 6 (RFC 5280 §4.2.1.3).
        extension(OID.keyUsage, true, der.bits(new Uint8Array([0b0000_0110]), 1)),
        extension(OID.subjectKeyIdentifier, false, der.octets(keyId)),
      ],
    });
    return new CertificateAuthority({
      certificatePem: pem("CERTIFICATE", certificate),
      signer: privateKey,
      name,
      keyId,
      leafSpki: new Uint8Array(leafSpki),
      leafKeyPem: pem("PRIVATE KEY", new Uint8Array(leafKey)),
      madeAt: now,
      alsoNamed,
    });
  }

  /**
   * Makes a certificate that is good for `host` alone (and the name of all leaves, if there is one), for thirty days.
   *
   * @param options.now From then on; default: from when the CA was made.
   */
  async issue(host: Host, { now }: { now: Date } = { now: this.#madeAt }): Promise<LeafCertificate> {
    const certificate = await sign(this.#signer, {
      serial: serialNumber(),
      issuer: this.#name,
      // The name is in subjectAltName only: a common name ends at 64 characters, and no client reads it any more.
      subject: der.sequence(),
      validity: { from: new Date(now.getTime() - BACKDATE_MS), to: new Date(now.getTime() + VALIDITY_MS) },
      spki: this.#leafSpki,
      extensions: [
        extension(OID.basicConstraints, true, der.sequence()),
        // digitalSignature: bit 0.
        extension(OID.keyUsage, true, der.bits(new Uint8Array([0b1000_0000]), 7)),
        extension(OID.extendedKeyUsage, false, der.sequence(der.oid(OID.serverAuth))),
        // Critical, since the subject is empty (RFC 5280 §4.2.1.6).
        extension(OID.subjectAltName, true, der.sequence(...[host, ...this.#alsoNamed].map(generalName))),
        extension(OID.authorityKeyIdentifier, false, der.sequence(der.tagged(0, this.#keyId))),
      ],
    });
    return { certPem: pem("CERTIFICATE", certificate), keyPem: this.#leafKeyPem };
  }
}

interface Unsigned {
  readonly serial: Uint8Array;
  readonly issuer: der.DerNode;
  readonly subject: der.DerNode;
  readonly validity: Validity;
  readonly spki: Uint8Array;
  readonly extensions: der.DerNode[];
}

async function sign(key: CryptoKey, parts: Unsigned): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = () => der.sequence(der.oid(OID.ecdsaWithSha256));
  const tbs = der.sequence(
    der.tagged(0, [der.integer(new Uint8Array([2]))]),
    der.integer(parts.serial),
    algorithm(),
    parts.issuer,
    der.sequence(der.utcTime(parts.validity.from), der.utcTime(parts.validity.to)),
    parts.subject,
    der.decode(parts.spki),
    der.tagged(3, [der.sequence(...parts.extensions)]),
  );
  const raw = new Uint8Array(await crypto.subtle.sign(SIGN_ALGORITHM, key, der.encode(tbs)));
  // WebCrypto gives r and s side by side; X.509 wants a sequence of integers (RFC 3279 §2.2.3).
  const signature = der.encode(der.sequence(der.integer(raw.subarray(0, 32)), der.integer(raw.subarray(32))));
  return der.encode(der.sequence(tbs, algorithm(), der.bits(signature)));
}

function extension(id: string, critical: boolean, value: der.DerNode): der.DerNode {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(der.encode(value)));
}

function distinguishedName(commonName: string): der.DerNode {
  return der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8(commonName))));
}

/** dNSName [2] or iPAddress [7] (RFC 5280 §4.2.1.6). */
function generalName(host: Host): der.DerNode {
  if (host.startsWith("[")) return der.tagged(7, ipv6Bytes(host.slice(1, -1)));
  if (/^\d+(?:\.\d+){3}$/.test(host)) return der.tagged(7, Uint8Array.from(host.split("."), Number));
  return der.tagged(2, new TextEncoder().encode(host));
}

/** @param text As the URL parser writes it: lower case, at most one `::`, no embedded dotted quad. */
function ipv6Bytes(text: string): Uint8Array {
  const [head = "", tail] = text.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** 127 random bits, positive (RFC 5280 §4.1.2.2 allows 20 octets). */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pem(label: string, bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const lines = btoa(binary).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
