import { AppError } from "../error.ts";
import { HEADER_NAME_REGEXP } from "../placement.ts";

/** Where the server puts a resource's value into a request. */
export type CredentialLocation =
  /** `header:Authorization:Bearer`: the value after a scheme and a space; `header:X-Api-Key:` the value alone. */
  | { readonly kind: "header"; readonly name: string; readonly scheme: string | undefined }
  /** `basic:user`: the value as the password of this user (RFC 7617). */
  | { readonly kind: "basic"; readonly user: string }
  /** `query:key`: the value of this parameter, whose decoded name this is. */
  | { readonly kind: "query"; readonly name: string };

/** `header:Authorization:Bearer` */
export const DEFAULT_LOCATION: CredentialLocation = { kind: "header", name: "Authorization", scheme: "Bearer" };

/** What {@linkcode parseCredentialLocation} reads, for the JSON Schema of the bundle. */
export const LOCATION_PATTERN =
  "^(header:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[A-Za-z0-9._~+/-]*|basic:[^:\\x00-\\x1f\\x7f]+|query:[^\\s&=#]+)$";

/** Fields that carry the request itself, or that the proxy writes: a credential there would change what is asked. */
const NEVER: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads a `credential_location`.
 *
 * @throws {AppError} `CONFIG_PLACEMENT_INVALID`; the message never holds `text`.
 */
export function parseCredentialLocation(text: string): CredentialLocation {
  const [, kind = "", rest = ""] = /^(header|basic|query):(.+)$/s.exec(text) ?? [];
  if (kind === "header") {
    const [, name = "", scheme = ""] = /^([^:]+):([A-Za-z0-9._~+/-]*)$/.exec(rest) ?? [];
    if (HEADER_NAME_REGEXP.test(name) && !NEVER.has(name.toLowerCase())) {
      return { kind, name, scheme: scheme === "" ? undefined : scheme };
    }
  }
  // deno-lint-ignore no-control-regex
  if (kind === "basic" && !/[:\x00-\x1f\x7f]/.test(rest)) return { kind, user: rest };
  if (kind === "query" && !/[\s&=#]/.test(rest)) return { kind, name: rest };
  throw new AppError(
    "CONFIG_PLACEMENT_INVALID",
    "Cannot read credential location: header:<name>:<scheme>, basic:<user> or query:<name> is expected",
    { hints: ['Write for example "header:Authorization:Bearer", "header:X-Api-Key:", "basic:git" or "query:key"'] },
  );
}
