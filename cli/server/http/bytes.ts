export function encodeUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** @param text Base64 with its padding, checked. */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
