/**
 * Object identifiers with tag and length. They and the few lines of DER below stand here, apart from `proxy/tls/der.ts`,
 * since this runs at every start: over 140 roots the general codec takes 60 ms, this one 2.
 */
const OID = {
  /** 1.2.840.113549.1.7.1 */
  data: hex("06092a864886f70d010701"),
  /** 1.2.840.113549.1.12.10.1.3 */
  certBag: hex("060b2a864886f70d010c0a0103"),
  /** 1.2.840.113549.1.9.22.1 */
  x509Certificate: hex("060a2a864886f70d01091601"),
  /** 2.16.840.1.113894.746875.1.1: Oracle's mark; without it the JVM skips a certificate that comes without a key. */
  trustedKeyUsage: hex("060c6086480186f966adca7b0101"),
  /** 2.5.29.37.0 */
  anyExtendedKeyUsage: hex("0604551d2500"),
} as const;

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;
const SET = 0x31;
/** `[0]` around another element. */
const EXPLICIT_0 = 0xa0;

/**
 * Makes a PKCS#12 store of trusted certificates for the JVM: certificates alone, in the clear and without a password or
 * MAC, as JDK 8 and later load it when `trustStorePassword` is not set.
 *
 * @param certificates DER.
 * @see RFC 7292 §4
 */
export function makeTrustStore(certificates: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const mark = element(SET, element(SEQUENCE, OID.trustedKeyUsage, element(SET, OID.anyExtendedKeyUsage)));
  const bags = certificates.map((certificate) => {
    const value = element(SEQUENCE, OID.x509Certificate, element(EXPLICIT_0, element(OCTET_STRING, certificate)));
    return element(SEQUENCE, OID.certBag, element(EXPLICIT_0, value), mark);
  });
  const version = element(INTEGER, new Uint8Array([3]));
  return element(SEQUENCE, version, dataContent(element(SEQUENCE, dataContent(element(SEQUENCE, ...bags)))));
}

/** RFC 5652 §4. */
function dataContent(content: Uint8Array): Uint8Array {
  return element(SEQUENCE, OID.data, element(EXPLICIT_0, element(OCTET_STRING, content)));
}

/** Tag, length and content (X.690 §8.1). */
function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag, ...encodedLength(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** X.690 §8.1.3: short form below 128, else the count of octets and the octets. */
function encodedLength(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return [0x80 | octets.length, ...octets];
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
