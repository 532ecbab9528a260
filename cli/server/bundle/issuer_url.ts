import { classifyAddress } from "../../../policy/address.ts";
import { AppError } from "../../../policy/error.ts";

/** What {@linkcode parseIssuerUrl} reads, for the JSON Schema. */
export const URL_PATTERN = "^https?://[^\\s?#@]+$";

/**
 * Reads an issuer's name, which is compared with `iss` and never dialled.
 *
 * @returns `text` as it is: OpenID Connect Core §2 asks for equality, so that nothing is made canonical.
 * @throws {AppError} `BUNDLE_ISSUER_INVALID`; the message never holds `text`.
 */
export function parseIssuerUrl(text: string): string {
  parsePlainUrl(text);
  return text;
}

/**
 * Reads the address of a key set. `allowPrivate` is what the bundle says in `jwks_private`.
 *
 * @throws {AppError} `BUNDLE_ISSUER_INVALID`; the message never holds `text`.
 */
export function parseJwksUrl(text: string, { allowPrivate }: { allowPrivate: boolean }): string {
  const url = parsePlainUrl(text, { query: true });
  const address = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isAddress = url.hostname !== address || /^[\d.]+$/.test(address);
  const kind = isAddress ? classifyAddress(address) : "public";
  if (url.protocol === "http:" && !(kind === "loopback" && allowPrivate)) {
    throw invalid("https is expected", ["http works with a loopback address and jwks_private: true alone"]);
  }
  if (kind !== "public" && !allowPrivate) {
    throw invalid("the address is loopback, private or special", ["Write jwks_private: true if it is the right one"]);
  }
  return url.href;
}

/** A URL without user information and fragment, in the spelling that is compared or dialled. */
function parsePlainUrl(text: string, { query = false } = {}): URL {
  const url = /^https?:\/\/[^\s\\]+$/.test(text) && text.length <= 2048 ? URL.parse(text) : null;
  if (url === null) throw invalid("an https URL is expected");
  if (url.username !== "" || url.password !== "" || /^[^/]*\/\/[^/?#]*@/.test(text)) {
    throw invalid("a URL without user name and password is expected");
  }
  if (text.includes("#") || (!query && text.includes("?"))) {
    throw invalid(query ? "a URL without fragment is expected" : "a URL without query and fragment is expected");
  }
  return url;
}

function invalid(state: string, hints: readonly string[] = []): AppError {
  return new AppError("BUNDLE_ISSUER_INVALID", `Cannot read URL: ${state}`, { hints });
}
