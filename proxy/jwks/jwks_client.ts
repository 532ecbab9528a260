import { AppError } from "../../policy/error.ts";
import { type Host, parseHost } from "../../policy/host.ts";
import { Denial } from "../../policy/server/denial.ts";
import type { ClientResponse } from "../client/send_once.ts";
import { sendOnce } from "../client/send_once.ts";
import type { DialSettings } from "../upstream/dial.ts";
import { type JwksSource, MAX_JWKS_BYTES } from "./protocol.ts";

/** Over all; a caller waits for it. */
const TIMEOUT_MS = 5_000;

/** Where a key set is asked for. */
export interface JwksLocation {
  readonly host: Host;
  readonly port: number;
  readonly secure: boolean;
  /** Visible ASCII, beginning with "/". */
  readonly pathAndQuery: string;
}

/**
 * Reads a `jwks_url`.
 *
 * @throws {AppError} `BUNDLE_ISSUER_INVALID` for anything but https, or http to this machine where the bundle allows a
 * private address; for user information and a fragment. The message never holds the URL.
 */
export function parseJwksLocation({ url, allowPrivate }: JwksSource): JwksLocation {
  const parsed = URL.parse(url);
  const plain = parsed !== null && parsed.username === "" && parsed.password === "" && !/[#@\\\s]/.test(url);
  const secure = parsed?.protocol === "https:";
  const clear = parsed?.protocol === "http:" && allowPrivate && isThisMachine(parsed.hostname);
  if (!plain || (!secure && !clear)) {
    throw new AppError("BUNDLE_ISSUER_INVALID", "Cannot use jwks_url: an https URL is expected", {
      hints: ["http is for loopback addresses alone, with the word of the bundle that the address may be private"],
    });
  }
  const port = parsed.port === "" ? secure ? 443 : 80 : Number(parsed.port);
  return { host: parseHost(parsed.hostname), port, secure, pathAndQuery: parsed.pathname + parsed.search };
}

function isThisMachine(hostname: string): boolean {
  return hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

/**
 * Asks for a key set, once. Redirects are not followed: the bundle names the place, and an address that is checked for
 * one place says nothing of another (TM-11, TM-12).
 *
 * @returns The body of a 200, as text.
 * @throws {Denial} `ISSUER_UNAVAILABLE`; its detail is a fixed phrase of ours.
 */
export async function fetchJwks(source: JwksSource, dial: DialSettings): Promise<string> {
  const { pathAndQuery, ...origin } = parseJwksLocation(source);
  let response: ClientResponse;
  try {
    response = await sendOnce({
      origin,
      method: "GET",
      pathAndQuery,
      fields: [{ name: "Accept", lower: "accept", value: "application/jwk-set+json, application/json" }],
      body: undefined,
    }, { dial, allowPrivate: source.allowPrivate, maxBytes: MAX_JWKS_BYTES, longer: "refuse", timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof Denial)) throw error;
    const about = error.detail === undefined ? error.title : `${error.title}: ${error.detail}`;
    throw unavailable(about);
  }
  if (response.status !== 200) throw unavailable(`The host answered with status ${response.status}`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(response.body);
  } catch {
    throw unavailable("The host's answer is not UTF-8 text");
  }
}

function unavailable(detail: string): Denial {
  return new Denial("ISSUER_UNAVAILABLE", { detail });
}
