import { encodeLatin1 } from "./latin1.ts";

/** User and password, as UTF-8 text. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Reads Basic credentials in their one spelling: canonical base64 of UTF-8 with a colon.
 *
 * @param value Of an `Authorization` or `Proxy-Authorization` field.
 * @see RFC 7617 §2
 */
export function basicCredentials(value: string): BasicCredentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (encoded === undefined || encoded.length % 4 !== 0) return undefined;
  const binary = atob(encoded);
  if (btoa(binary) !== encoded) return undefined;
  const text = utf8(binary);
  const colon = text?.indexOf(":") ?? -1;
  return text === undefined || colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function utf8(binary: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(encodeLatin1(binary));
  } catch {
    return undefined;
  }
}
