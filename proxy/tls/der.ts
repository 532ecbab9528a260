import forgeAsn1 from "node-forge/asn1";

/** A DER node. `value` holds bytes as a binary string, or child nodes. */
export interface DerNode {
  readonly value: string | DerNode[];
}

/** What we use of node-forge's ASN.1 codec, which carries no types of its own. */
interface ForgeAsn1 {
  readonly Class: { readonly UNIVERSAL: number; readonly CONTEXT_SPECIFIC: number };
  readonly Type: Readonly<
    Record<
      | "BOOLEAN"
      | "INTEGER"
      | "BITSTRING"
      | "OCTETSTRING"
      | "OID"
      | "SEQUENCE"
      | "SET"
      | "UTF8"
      | "GENERALIZEDTIME"
      | "UTCTIME",
      number
    >
  >;
  create(tagClass: number, type: number, constructed: boolean, value: string | DerNode[]): DerNode;
  toDer(node: DerNode): { getBytes(): string };
  fromDer(bytes: string): DerNode;
  oidToDer(oid: string): { getBytes(): string };
  dateToUtcTime(date: Date): string;
}

const asn1: ForgeAsn1 = forgeAsn1;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;

const primitive = (type: number, value: string): DerNode => asn1.create(UNIVERSAL, type, false, value);

export const sequence = (...nodes: DerNode[]): DerNode => asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, nodes);
export const set = (...nodes: DerNode[]): DerNode => asn1.create(UNIVERSAL, asn1.Type.SET, true, nodes);
export const oid = (dotted: string): DerNode => primitive(asn1.Type.OID, asn1.oidToDer(dotted).getBytes());
export const utf8 = (text: string): DerNode => primitive(asn1.Type.UTF8, binary(new TextEncoder().encode(text)));
export const boolean = (value: boolean): DerNode => primitive(asn1.Type.BOOLEAN, value ? "\xff" : "\x00");
export const utcTime = (date: Date): DerNode => primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(date));
export const octets = (bytes: Uint8Array): DerNode => primitive(asn1.Type.OCTETSTRING, binary(bytes));

/** A bit string; `unused` counts the unused bits of the last byte (X.690 §8.6.2.2). */
export const bits = (bytes: Uint8Array, unused = 0): DerNode =>
  primitive(asn1.Type.BITSTRING, String.fromCharCode(unused) + binary(bytes));

/** An unsigned integer, big-endian, of any length. */
export function integer(bytes: Uint8Array): DerNode {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const sign = (bytes[start] ?? 0) >= 0x80 ? "\x00" : "";
  return primitive(asn1.Type.INTEGER, sign + binary(bytes.subarray(start)));
}

/** `[tag]` around child nodes, or around primitive bytes. */
export function tagged(tag: number, content: DerNode[] | Uint8Array): DerNode {
  return Array.isArray(content)
    ? asn1.create(CONTEXT_SPECIFIC, tag, true, content)
    : asn1.create(CONTEXT_SPECIFIC, tag, false, binary(content));
}

export const decode = (der: Uint8Array): DerNode => asn1.fromDer(binary(der));

export function encode(node: DerNode): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(asn1.toDer(node).getBytes(), (char) => char.charCodeAt(0));
}

function binary(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
