// The way to a team server's proxy: what the provider "keyzero" hands to the proxy of a blind run, as the value of a
// reference that no resource has.

import { parseHost } from "../host.ts";

/** The reference. A resource's ref has no "!" in it. */
export const SERVER_PROXY_REF = "!proxy";

/**
 * The name of every team server's proxy. Its authority puts it into each certificate beside the intercepted host, and a
 * blind run verifies it in the host's place: our runtime trusts the usual roots besides the authority that it is told, and
 * none of those certifies a name below `invalid`, which nobody can own (RFC 6761 §6.4). Only a root that an operator adds to
 * the runtime by hand could.
 */
export const SERVER_PROXY_NAME = parseHost("proxy.keyzero.invalid");

/** The proxy of a team server, for one caller. `url` holds the caller's pass and is as secret as a token. */
export interface ServerProxy {
  /** `http://user:password@host:port` */
  readonly url: string;
  /** The authority that the proxy's certificates are of, PEM. */
  readonly ca: string;
}

/** @param proxy Undefined: no secret needs one. */
export function formatServerProxy(proxy: ServerProxy | undefined): string {
  return JSON.stringify(proxy ?? {});
}

/**
 * The inverse.
 *
 * @throws {SyntaxError | TypeError} for anything else; the message holds nothing of it.
 */
export function parseServerProxy(text: string): ServerProxy | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new SyntaxError("Cannot read the way to the server's proxy: it is not JSON");
  }
  if (typeof parsed === "object" && parsed !== null) {
    if (Object.keys(parsed).length === 0) return undefined;
    const { url, ca } = { url: undefined, ca: undefined, ...parsed } as { url: unknown; ca: unknown };
    if (typeof url === "string" && typeof ca === "string") return { url, ca };
  }
  throw new TypeError("Cannot read the way to the server's proxy: URL and authority are expected");
}
