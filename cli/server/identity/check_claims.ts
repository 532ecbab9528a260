import { Denial } from "../../../policy/server/denial.ts";

/** Clocks of issuers and servers that are kept by NTP differ by less. */
export const LEEWAY_SECONDS = 60;
/** 9999-12-31T23:59:59Z: beyond it dates have no usual form. */
const LAST_SECOND = 253_402_300_799;
/** GitHub's subjects, the longest that are known, have some 150. */
const MAX_SUBJECT_CHARACTERS = 512;

/** When a token is valid, in seconds since the epoch, as it says itself. */
export interface Validity {
  readonly expiresAt: number;
  /** The later of `nbf` and `iat`; undefined if it has neither. */
  readonly beginsAt: number | undefined;
}

/** What the claims that every token must have say (RFC 7519 §4.1). */
export interface RegisteredClaims extends Validity {
  readonly subject: string;
}

/**
 * Reads the claims that are the same for every issuer.
 *
 * @param audiences One of these must be in `aud`; an empty list: none is enough. Undefined: `aud` is not looked for.
 * @throws {Denial} `JWT_AUDIENCE_WRONG` or `JWT_CLAIMS_INVALID`
 */
export function readRegisteredClaims(
  claims: Readonly<Record<string, unknown>>,
  audiences: readonly string[] | undefined,
): RegisteredClaims {
  const own = (name: string) => Object.hasOwn(claims, name) ? claims[name] : undefined;
  checkAudience(own("aud"), audiences);
  const expiresAt = time(own("exp"), "exp");
  if (expiresAt === undefined) throw invalid("exp is missing");
  const [notBefore, issuedAt] = [time(own("nbf"), "nbf"), time(own("iat"), "iat")];
  const begins = [notBefore, issuedAt].filter((second) => second !== undefined);
  const subject = own("sub");
  const plain = typeof subject === "string" && subject !== "" && subject.length <= MAX_SUBJECT_CHARACTERS &&
    // deno-lint-ignore no-control-regex
    !/[\u0000-\u001f\u007f-\u009f]/.test(subject);
  if (!plain) throw invalid(`sub is a text of 1 to ${MAX_SUBJECT_CHARACTERS} characters`);
  return { subject, expiresAt, beginsAt: begins.length === 0 ? undefined : Math.max(...begins) };
}

/** Whether a token is valid at a time, with a leeway on both sides. */
export function isValidAt(validity: Validity, nowMs: number): boolean {
  return faultAt(validity, nowMs) === undefined;
}

/** @throws {Denial} `JWT_EXPIRED` or `JWT_NOT_YET_VALID` */
export function checkValidity(validity: Validity, nowMs: number): void {
  const fault = faultAt(validity, nowMs);
  if (fault !== undefined) throw new Denial(fault);
}

function faultAt({ expiresAt, beginsAt }: Validity, nowMs: number): "JWT_EXPIRED" | "JWT_NOT_YET_VALID" | undefined {
  const now = nowMs / 1000;
  if (!(now < expiresAt + LEEWAY_SECONDS)) return "JWT_EXPIRED";
  return beginsAt !== undefined && now < beginsAt - LEEWAY_SECONDS ? "JWT_NOT_YET_VALID" : undefined;
}

function checkAudience(audience: unknown, accepted: readonly string[] | undefined): void {
  if (audience === undefined && accepted !== undefined) {
    throw new Denial("JWT_AUDIENCE_WRONG", { detail: "aud is missing" });
  }
  const list: readonly unknown[] = Array.isArray(audience) ? audience : audience === undefined ? [] : [audience];
  if (!list.every((one) => typeof one === "string")) throw invalid("aud is a text or a list of texts");
  if (accepted !== undefined && !list.some((one) => accepted.includes(one))) throw new Denial("JWT_AUDIENCE_WRONG");
}

/** A NumericDate, which may have a fraction (RFC 7519 §2). */
function time(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= 0 && value <= LAST_SECOND) return value;
  throw invalid(`${name} is a number of seconds, up to the year 9999`);
}

function invalid(detail: string): Denial {
  return new Denial("JWT_CLAIMS_INVALID", { detail });
}
