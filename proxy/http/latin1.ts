/** Longest run of characters handed to one call; engines limit the number of arguments. */
const RUN = 4096;

/** One character for each byte, so that a head survives a round trip byte for byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  if (bytes.length <= RUN) return String.fromCharCode(...bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += RUN) text += decodeLatin1(bytes.subarray(at, at + RUN));
  return text;
}

/** @throws {RangeError} if a character does not fit a byte: a head is never silently changed. */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) throw new RangeError("Cannot encode head: a character does not fit a byte");
    bytes[at] = code;
  }
  return bytes;
}
