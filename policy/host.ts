import type { Brand } from "./brand.ts";
import { AppError } from "./error.ts";

/** A DNS name or IP literal: lower case, punycode, no port, no trailing dot. IPv6 literals are bracketed. */
export type Host = Brand<string, "Host">;

const CANONICAL_REGEXP = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/;

/**
 * Reads a host as an operator writes it in a policy file or a client in a request.
 *
 * @param text A host name or IP literal alone; an IPv6 literal is bracketed.
 * @returns The canonical form, so that `===` is the comparison.
 * @throws {AppError} `CONFIG_HOST_INVALID` if `text` holds anything but a host. The message never holds `text`.
 */
export function parseHost(text: string): Host {
  const host = canonicalHost(text);
  if (host === undefined) {
    // Not echoed: an operator may have pasted "user:password@host".
    throw new AppError("CONFIG_HOST_INVALID", "Cannot read host: a host name or IP address alone is expected", {
      hints: ['Write the host only, for example "api.github.com"'],
    });
  }
  return host;
}

function canonicalHost(text: string): Host | undefined {
  if (/[\s/?#@\\%]/.test(text) || (text.includes(":") && !/^\[[^\]]+\]$/.test(text))) return undefined;
  const host = URL.parse(`https://${text}/`)?.hostname.replace(/\.$/, "");
  // RFC 1035 §2.3.4: 255 octets on the wire are 253 characters.
  return host !== undefined && host.length <= 253 && CANONICAL_REGEXP.test(host) ? host as Host : undefined;
}
