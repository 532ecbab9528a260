import { createECDH } from "node:crypto";
import { SERVER_PROXY_NAME } from "../../policy/server/server_proxy.ts";
import { encodeBase64url } from "../base64url.ts";
import { CertificateAuthority } from "../tls/certificate_authority.ts";
import { hkdf, importServerKey } from "./server_key.ts";

/** The order of P-256's group (SP 800-186 §3.2.1.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** 128 bits more than the order has, so that no scalar is likelier than another (FIPS 186-5 §A.2.1). */
const SEED_BYTES = 48;
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
/** From the month before, for clocks that run behind, to the same month of next year: a server may run that long. */
const MONTHS = { before: 1, after: 12 } as const;

/**
 * The certificate authority of a server's proxy: every replica that has the server key makes one with the same name and
 * key, so that a client that trusts one of them trusts all, behind any load balancer. It lives in memory only (TM-29).
 *
 * The certificates differ in serial number and signature, as those of an authority that was certified again do.
 */
export async function serverAuthority(
  serverKey: Uint8Array<ArrayBuffer>,
  options: { readonly now: Date },
): Promise<CertificateAuthority> {
  const root = await importServerKey(serverKey);
  const seed = new Uint8Array(await crypto.subtle.deriveBits(hkdf("ca"), root, 8 * SEED_BYTES));
  const scalar = bytesOf(numberOf(seed) % (ORDER - 1n) + 1n);
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(scalar);
  // SEC 1 §2.3.3, uncompressed: 4, x, y.
  const point = new Uint8Array(ecdh.getPublicKey());
  const publicJwk = {
    kty: "EC",
    crv: "P-256",
    x: encodeBase64url(point.subarray(1, 33)),
    y: encodeBase64url(point.subarray(33)),
  };
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey("jwk", { ...publicJwk, d: encodeBase64url(scalar) }, KEY_ALGORITHM, false, ["sign"]),
    crypto.subtle.importKey("jwk", publicJwk, KEY_ALGORITHM, true, ["verify"]),
  ]);
  seed.fill(0);
  scalar.fill(0);
  const month = (offset: number) =>
    new Date(Date.UTC(options.now.getUTCFullYear(), options.now.getUTCMonth() + offset));
  return await CertificateAuthority.ofKeys({ privateKey, publicKey }, {
    nameWithKeyId: (keyId) => `KeyZero server ${keyId}`,
    validity: { from: month(-MONTHS.before), to: month(MONTHS.after) },
    now: options.now,
    alsoNamed: SERVER_PROXY_NAME,
  });
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n);
}

/** Big-endian, 32 bytes. */
function bytesOf(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number(number >> BigInt(8 * (31 - at)) & 0xffn));
}
