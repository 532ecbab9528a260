import { HttpProblem } from "./problem.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export interface HostGuardOptions {
  /** The server listens on loopback only: then its names are the only ones that a request can mean. */
  readonly loopback: boolean;
  /** Further names, lower case, without port. On a listener that is not on loopback, none means any. */
  readonly allowedHosts: readonly string[];
}

/**
 * Holds off web pages: a page whose name was made to resolve to this server's address (DNS rebinding) sends that name as
 * `Host`, and every page's script says where it is from in `Origin`.
 *
 * @throws {HttpProblem} `HOST_REFUSED`, `ORIGIN_REFUSED`
 * @see MCP 2025-11-25, Transports, "Security Warning"
 */
export function guardHost(request: Request, { loopback, allowedHosts }: HostGuardOptions): void {
  const allowed = (name: string) => allowedHosts.includes(name) || (loopback && LOOPBACK_NAMES.has(name));
  if ((loopback || allowedHosts.length > 0) && !allowed(new URL(request.url).hostname)) {
    throw new HttpProblem("HOST_REFUSED");
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !(URL.canParse(origin) && allowed(new URL(origin).hostname))) {
    throw new HttpProblem("ORIGIN_REFUSED");
  }
}
