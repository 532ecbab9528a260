import { Denial } from "../../../policy/server/denial.ts";

/**
 * The JWT of an `Authorization` field (RFC 6750 §2.1).
 *
 * @returns Undefined if there is none, or another scheme's: then it is missing.
 * @throws {Denial} `JWT_MALFORMED` if what follows `Bearer` is no token, for example two of them.
 */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  const [, scheme = "", rest = ""] = /^([^ ]+)(?: +(.*))?$/.exec(authorization ?? "") ?? [];
  if (scheme.toLowerCase() !== "bearer") return undefined;
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(rest)) throw new Denial("JWT_MALFORMED");
  return rest;
}
