import { AppError } from "./error.ts";
import type { Host } from "./host.ts";
import { type HostPattern, isAmbiguousPath, matchesHost, parseHostPattern } from "./host_pattern.ts";

/** One `[[blind.connections]]`. What is absent matches everything; an empty list matches nothing. */
export interface ConnectionRule {
  /** Position in the file, from 1, for messages. */
  readonly number: number;
  readonly allow: boolean;
  readonly host: HostPattern | { readonly kind: "any" } | { readonly kind: "regexp"; readonly source: string };
  readonly port: number | undefined;
  /** Upper case. */
  readonly methods: readonly string[] | undefined;
  /** Exact paths, or prefixes that end in `*`. */
  readonly paths: readonly string[] | undefined;
}

/** What the rules look at. Method and path are absent while only a tunnel is asked for. */
export interface ConnectionRequest {
  readonly host: Host;
  readonly port: number;
  readonly method?: string;
  readonly path?: string;
}

/** `rule` is the number of the rule that decided; absent when none matched. */
export interface ConnectionDecision {
  readonly verdict: "allow" | "deny";
  readonly rule: number | undefined;
  /** The rule names this very host, which is what lets a private address through. */
  readonly named: boolean;
}

/** Matches a `/regex/` host in time linear in the host; made by the caller from `source`. */
export type HostMatcher = (source: string, host: Host) => boolean;

/** The longest expression that is read. */
const MAX_EXPRESSION = 256;

/**
 * Reads one connection rule.
 *
 * @throws {AppError} `CONFIG_HOST_INVALID` or `CONFIG_RULE_INVALID`; messages never hold the text.
 */
export function parseConnectionRule(
  raw: {
    allow: boolean;
    host: string;
    port?: number | undefined;
    methods?: readonly string[] | undefined;
    paths?: readonly string[] | undefined;
  },
  number: number,
): ConnectionRule {
  if (raw.port !== undefined && !(Number.isInteger(raw.port) && raw.port >= 1 && raw.port <= 65535)) {
    throw invalid("a port from 1 to 65535 is expected");
  }
  const methods = raw.methods?.map((method) => {
    if (!/^[A-Za-z-]{1,32}$/.test(method)) throw invalid("a method is a word such as GET");
    return method.toUpperCase();
  });
  for (const path of raw.paths ?? []) {
    // Requests carry visible ASCII only: another character, or an escape with two spellings, would never match.
    if (!/^\/[!-~]*$/.test(path) || /[?#%\\]|\*./.test(path) || isAmbiguousPath(path)) {
      throw invalid(
        'a path is plain ASCII, begins with "/" and has no query, escape or wildcard but one "*" at its end',
      );
    }
  }
  return { number, allow: raw.allow, host: parseRuleHost(raw.host), port: raw.port, methods, paths: raw.paths };
}

function parseRuleHost(text: string): ConnectionRule["host"] {
  if (text === "*") return { kind: "any" };
  const source = /^\/(.+)\/$/s.exec(text)?.[1];
  if (source === undefined) return parseHostPattern(text);
  if (source.length > MAX_EXPRESSION) throw invalid(`a host expression has at most ${MAX_EXPRESSION} characters`);
  return { kind: "regexp", source };
}

function invalid(state: string): AppError {
  return new AppError("CONFIG_RULE_INVALID", `Cannot read connection rule: ${state}`);
}

/**
 * Decides a request by the first rule that matches.
 *
 * @param rules Absent: every host is allowed, none is named. Present and no match: denied.
 * @returns For a tunnel (no method), `allow` as soon as some request inside it might be allowed; each is decided again.
 */
export function decideConnection(
  rules: readonly ConnectionRule[] | undefined,
  request: ConnectionRequest,
  matcher: HostMatcher,
): ConnectionDecision {
  if (rules === undefined) return { verdict: "allow", rule: undefined, named: false };
  for (const rule of rules) {
    if (!hostMatches(rule.host, request.host, matcher)) continue;
    if (rule.port !== undefined && rule.port !== request.port) continue;
    const conditional = rule.methods !== undefined || rule.paths !== undefined;
    if (request.method === undefined && conditional) {
      // Only an allowance opens the tunnel; a conditional denial is decided when the request is seen.
      if (!rule.allow) continue;
    } else if (!requestMatches(rule, request)) continue;
    // A wildcard does not name a host: whoever owns one name below it could point that at a private address (TM-12).
    const named = rule.host.kind === "exact";
    return { verdict: rule.allow ? "allow" : "deny", rule: rule.number, named };
  }
  return { verdict: "deny", rule: undefined, named: false };
}

function hostMatches(pattern: ConnectionRule["host"], host: Host, matcher: HostMatcher): boolean {
  if (pattern.kind === "any") return true;
  return pattern.kind === "regexp" ? matcher(pattern.source, host) : matchesHost(pattern, host);
}

function requestMatches(rule: ConnectionRule, request: ConnectionRequest): boolean {
  const path = request.path ?? "";
  // A path that a server may read in two ways fits no allowance and every denial: doubt denies.
  if (!rule.allow && rule.paths !== undefined && isAmbiguousPath(path)) return fitsMethod(rule, request);
  return fitsRequest(rule, request);
}

/**
 * Whether method and path are among those that are allowed. What is absent fits everything, an empty list nothing, and a
 * path that a server may read in two ways none that is looked at (TM-19).
 */
export function fitsRequest(
  allowed: Pick<ConnectionRule, "methods" | "paths">,
  request: Pick<ConnectionRequest, "method" | "path">,
): boolean {
  if (!fitsMethod(allowed, request)) return false;
  if (allowed.paths === undefined) return true;
  const path = request.path ?? "";
  if (isAmbiguousPath(path)) return false;
  return allowed.paths.some((known) => known.endsWith("*") ? path.startsWith(known.slice(0, -1)) : path === known);
}

function fitsMethod(
  { methods }: Pick<ConnectionRule, "methods">,
  { method }: Pick<ConnectionRequest, "method">,
): boolean {
  return methods === undefined || methods.includes(method ?? "");
}
