import { AppError } from "./error.ts";
import { type Host, parseHost } from "./host.ts";

/** A host as rules and grants name it. `*.suffix` matches every name below the suffix, not the suffix itself. */
export type HostPattern =
  | { readonly kind: "exact"; readonly host: Host }
  | { readonly kind: "suffix"; readonly suffix: Host };

/** Where one secret may go: an entry of its `hosts`. */
export interface HostGrant {
  readonly pattern: HostPattern;
  /** Absent: the scheme's own port (443, or 80 for clear text to loopback). */
  readonly port: number | undefined;
  /** Starts with "/"; absent: every path. A request's path must equal it or go on below it. */
  readonly pathPrefix: string | undefined;
}

/**
 * Reads `host` or `*.suffix`.
 *
 * @throws {AppError} `CONFIG_HOST_INVALID`; the message never holds `text`.
 */
export function parseHostPattern(text: string): HostPattern {
  if (!text.startsWith("*.")) return { kind: "exact", host: parseHost(text) };
  const suffix = parseHost(text.slice(2));
  // An address has no names below it, and a single label is a top-level domain.
  if (suffix.startsWith("[") || /^[\d.]+$/.test(suffix) || !suffix.includes(".")) {
    throw new AppError("CONFIG_HOST_INVALID", "Cannot read host pattern: the suffix after the wildcard is too wide", {
      hints: ['Write a wildcard below a registered name, for example "*.github.com"'],
    });
  }
  return { kind: "suffix", suffix };
}

/**
 * Reads an entry of a secret's `hosts`: `host`, `*.suffix`, each with an optional `:port` and path prefix.
 *
 * @throws {AppError} `CONFIG_HOST_INVALID`; the message never holds `text`.
 */
export function parseHostGrant(text: string): HostGrant {
  const slash = text.indexOf("/");
  const authority = slash < 0 ? text : text.slice(0, slash);
  const pathPrefix = slash < 0 ? undefined : text.slice(slash);
  if (pathPrefix !== undefined && !/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/.test(pathPrefix)) {
    throw new AppError("CONFIG_HOST_INVALID", "Cannot read path prefix: plain path characters are expected", {
      hints: ['Write the path without escapes and query, for example "api.github.com/repos/acme"'],
    });
  }
  const [, name = "", digits] = /^(.*?)(?::(\d{1,5}))?$/s.exec(authority) ?? [];
  const port = digits === undefined ? undefined : parsePort(digits);
  return { pattern: parseHostPattern(name), port, pathPrefix: pathPrefix === "/" ? undefined : pathPrefix };
}

/** @throws {AppError} `CONFIG_HOST_INVALID` unless `digits` is a number from 1 to 65535. */
function parsePort(digits: string): number {
  const port = Number(digits);
  if (port < 1 || port > 65535) {
    throw new AppError("CONFIG_HOST_INVALID", "Cannot read port: a number from 1 to 65535 is expected");
  }
  return port;
}

export function matchesHost(pattern: HostPattern, host: Host): boolean {
  return pattern.kind === "exact" ? pattern.host === host : host.endsWith(`.${pattern.suffix}`);
}

/**
 * Whether a request may carry a secret that has these grants.
 *
 * @param target `path` is the request's path without query, as sent. `defaultPort` is the scheme's.
 * @returns False for an empty list; true for an absent one, since then the connection rules alone decide.
 */
export function isGranted(
  grants: readonly HostGrant[] | undefined,
  target: { host: Host; port: number; defaultPort: number; path: string },
): boolean {
  if (grants === undefined) return true;
  return grants.some((grant) =>
    matchesHost(grant.pattern, target.host) && (grant.port ?? target.defaultPort) === target.port &&
    (grant.pathPrefix === undefined || isBelow(target.path, grant.pathPrefix))
  );
}

/**
 * Whether a path is ambiguous, so that a server may see another than we do (TM-19).
 *
 * Escaped ASCII other than a space is: to most servers `/%61dmin` is `/admin` (RFC 3986 §6.2.2.2).
 */
export function isAmbiguousPath(path: string): boolean {
  return /%(?:[013-7][\da-f]|2[1-9a-f])|\/\/|[;\\]|\/\.{1,2}(?:\/|$)/i.test(path);
}

function isBelow(path: string, prefix: string): boolean {
  if (isAmbiguousPath(path)) return false;
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}
