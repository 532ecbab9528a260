import { decodeLatin1 } from "../http/latin1.ts";

/** A field's value in a body, and how a secret is written there. */
export interface BodyField {
  readonly start: number;
  readonly end: number;
  /** A JSON Pointer; absent in a body that has no fields. */
  readonly field: string | undefined;
  /** Writes a value in the field's own encoding, one character a byte. */
  readonly encode: (real: string) => string;
}

/** UTF-8, one character a byte. */
export function utf8Bytes(text: string): string {
  return decodeLatin1(new TextEncoder().encode(text));
}
