/** Joins byte strings; the only one that is not empty is returned itself. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts);
}

/** The same for a list, which may be longer than a call may have arguments. */
export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  let longest: Uint8Array | undefined;
  for (const part of parts) {
    length += part.length;
    if (longest === undefined || part.length > longest.length) longest = part;
  }
  if (longest !== undefined && longest.length === length) return longest;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
