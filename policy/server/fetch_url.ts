import { type Host, parseHost } from "../host.ts";
import { Denial } from "./denial.ts";

/** A URL that `fetch` may be asked for, taken apart once: what is decided on is what is sent. */
export interface FetchUrl {
  /** With the canonical host; the path and query as they came. */
  readonly href: string;
  readonly host: Host;
  readonly port: number;
  /** Without the query. */
  readonly path: string;
  /** Begins with "/"; visible ASCII. */
  readonly pathAndQuery: string;
}

/** The longest URL; servers take about as much. */
const MAX_LENGTH = 8 * 1024;
const DEFAULT_PORT = 443;

/**
 * Reads the URL of a `fetch`.
 *
 * The host may be written in any of its spellings, which all become one (TM-13). Nothing else is repaired: a URL that the
 * URL standard would change on its way (backslashes, line breaks, dot segments, missing or extra slashes) is refused, so
 * that no reader sees another path than policy did (TM-34).
 *
 * @param text `https://host[:port][/path][?query]`, visible ASCII, at most 8 KiB.
 * @throws {Denial} `URL_INVALID` with what to change; it never holds `text`.
 */
export function parseFetchUrl(text: string): FetchUrl {
  if (text.length > MAX_LENGTH) throw invalid(`a URL has at most ${MAX_LENGTH} characters`);
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw invalid("a URL is visible ASCII: percent-encode other characters, and write a host in punycode");
  }
  if (!text.startsWith("https://")) throw invalid("a URL begins with https://");
  if (text.includes("#")) throw invalid("a URL of a request has no fragment");
  const [, authority = "", rest = ""] = /^https:\/\/([^/?]*)(.*)$/.exec(text) ?? [];
  if (authority.includes("@")) throw invalid("a URL holds no user information: the server adds the credential itself");
  const { host, port } = parseAuthority(authority);
  if (rest.startsWith("?")) throw invalid('a query comes after a path: write "/?"');
  const pathAndQuery = rest === "" ? "/" : rest;
  const origin = `https://${host}${port === DEFAULT_PORT ? "" : `:${port}`}`;
  const href = origin + pathAndQuery;
  // The standard escapes an apostrophe in a query, which RFC 3986 §3.4 lets stand.
  const [path = "", query] = splitOnce(pathAndQuery);
  const sent = `${origin}${path}${query === undefined ? "" : `?${query.replaceAll("'", "%27")}`}`;
  const parsed = URL.parse(href);
  if (parsed === null || parsed.href !== sent || /%(?![0-9A-Fa-f]{2})/.test(pathAndQuery)) {
    throw invalid(
      'a URL is written as it is sent: without "\\", without "." and ".." segments, with <, >, {, }, quotes and percent ' +
        "signs percent-encoded",
    );
  }
  return { href, host, port, path, pathAndQuery };
}

function parseAuthority(authority: string): { host: Host; port: number } {
  const [, name = "", digits] = /^(\[[^\]]*\]|[^:]*)(?::([1-9]\d{0,4}))?$/.exec(authority) ?? [];
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  try {
    if (port <= 65535) return { host: parseHost(name), port };
  } catch {
    // Said below, without the text.
  }
  throw invalid("a host name or address is expected after https://, with a port from 1 to 65535 or none");
}

/** Path and query; the query is undefined where there is no question mark. */
function splitOnce(pathAndQuery: string): [path: string, query: string | undefined] {
  const at = pathAndQuery.indexOf("?");
  return at < 0 ? [pathAndQuery, undefined] : [pathAndQuery.slice(0, at), pathAndQuery.slice(at + 1)];
}

function invalid(detail: string): Denial {
  return new Denial("URL_INVALID", { detail });
}
