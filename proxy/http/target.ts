import { type Host, parseHost } from "../../policy/host.ts";
import { HttpError } from "./http_error.ts";

export interface Authority {
  readonly host: Host;
  readonly port: number;
}

/**
 * Reads `host[:port]` as a client sends it.
 *
 * Userinfo, empty ports and everything that is not a canonical host are refused (TM-13). So is what is not ASCII: a name
 * travels in punycode, and the rules for other characters drop some and turn some into letters (UTS 46). A port is written
 * in one way.
 *
 * @param defaultPort Taken when none is written; undefined where one must be.
 */
export function parseAuthority(text: string, defaultPort: number | undefined): Authority {
  const match = /^(\[[\x21-\x5c\x5e-\x7e]*\]|[\x21-\x39\x3b-\x7e]*)(?::([1-9]\d{0,4}))?$/.exec(text);
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (match === null || port === undefined || port > 65535) throw new HttpError("HTTP_TARGET_INVALID", 400);
  try {
    return { host: parseHost(match[1]!), port };
  } catch {
    throw new HttpError("HTTP_TARGET_INVALID", 400);
  }
}

/** A request's target, taken apart. */
export interface Target {
  /** Absent for the origin form. */
  readonly authority: Authority | undefined;
  readonly scheme: "http" | "https" | undefined;
  /** Path and query as sent, beginning with "/". */
  readonly pathAndQuery: string;
  /** Without the query. */
  readonly path: string;
}

/**
 * Reads the origin or the absolute form (RFC 9112 §3.2.1, §3.2.2).
 *
 * A fragment, or a backslash, which some servers read as "/", is refused.
 */
export function parseTarget(target: string): Target {
  if (/[#\\]/.test(target)) throw new HttpError("HTTP_TARGET_INVALID", 400);
  if (target.startsWith("/")) return { authority: undefined, scheme: undefined, ...split(target) };
  const match = /^(https?):\/\/([^/?]+)(.*)$/i.exec(target);
  if (match === null) throw new HttpError("HTTP_TARGET_INVALID", 400);
  const scheme = match[1]!.toLowerCase() === "http" ? "http" : "https";
  const rest = match[3]!;
  return {
    scheme,
    authority: parseAuthority(match[2]!, scheme === "http" ? 80 : 443),
    ...split(rest.startsWith("/") ? rest : `/${rest}`),
  };
}

function split(pathAndQuery: string): { pathAndQuery: string; path: string } {
  const query = pathAndQuery.indexOf("?");
  return { pathAndQuery, path: query < 0 ? pathAndQuery : pathAndQuery.slice(0, query) };
}
