/** RFC 3986 §2.3; SigV4 escapes everything else. */
const RESERVED_REGEXP = /[^A-Za-z0-9\-._~]/g;
const RESERVED_IN_PATH_REGEXP = /[^A-Za-z0-9\-._~/]/g;

/** Escapes a name or value of a query as SigV4 does. @param text One character for each byte. */
export function encodeUri(text: string): string {
  return text.replace(RESERVED_REGEXP, escapeByte);
}

/** The same for a path, whose slashes stay. */
export function encodeUriPath(text: string): string {
  return text.replace(RESERVED_IN_PATH_REGEXP, escapeByte);
}

/** Undoes escapes; what is no escape stays as it is, "+" too. @returns One character for each byte. */
export function decodeUri(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
