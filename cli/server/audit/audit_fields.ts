import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import { parseHost } from "../../../policy/host.ts";
import { parseResourceRef } from "../../../policy/server/resource_ref.ts";
import type { AuditFields } from "./audit_line.ts";

/** What is written where a field looks like a credential, or has not the form that its kind has. */
export const REFUSED = "[refused]";
/** Ends a text that was too long. */
export const CUT = "[cut]";

/** Longest texts. Issuers and policies are names of a bundle; a subject comes from a JWT. */
const MAX_TEXT: ReadonlyMap<string, number> = new Map([
  ["issuer", 256],
  ["subject", 512],
  ["policy", 256],
  ["revokedIssuer", 256],
  ["revokedSubject", 512],
  ["detail", 256],
]);

/** A JWT begins with the base64 of `{"`; the others are our own tokens, and in any case. */
const CREDENTIAL_REGEXPS = [/eyJ[A-Za-z0-9_-]{10}/, /KZ_TOK_|KZ_PRX_|kz_masked_/i];

type Check = (value: unknown, name: string) => string | number | undefined;

/** Every field in the order in which it is written; undefined: the event is none. */
const FIELDS: Readonly<Record<keyof AuditEvent, Check>> = {
  event: oneOf(["resolve", "fetch", "swap", "revoke", "server"] satisfies AuditEvent["event"][]),
  outcome: oneOf(["allowed", "denied", "error"] satisfies AuditEvent["outcome"][]),
  code: word(/^[A-Z][A-Z0-9_]{0,63}$/),
  issuer: text,
  subject: text,
  ref: parsed(parseResourceRef),
  policy: text,
  mode: oneOf(["masked", "direct"] satisfies NonNullable<AuditEvent["mode"]>[]),
  tokenId: word(/^[A-Za-z0-9_-]{1,64}$/),
  revokedIssuer: text,
  revokedSubject: text,
  host: parsed(parseHost),
  port: integer(65_535),
  method: word(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/),
  status: integer(999),
  detail: text,
};

/**
 * Checks an event of another worker, which may have been taken over: its fields, in order, with nothing in them that
 * looks like a credential.
 *
 * @returns Undefined for what is no event: another field, another kind, a field of a wrong type.
 */
export function auditFields(event: unknown): AuditFields | undefined {
  if (typeof event !== "object" || event === null) return undefined;
  const given = new Map(Object.entries(event).filter(([, value]) => value !== undefined));
  if (!given.has("event") || !given.has("outcome")) return undefined;
  const fields: Record<string, string | number> = {};
  for (const [name, check] of Object.entries(FIELDS)) {
    if (!given.has(name)) continue;
    const value = check(given.get(name), name);
    if (value === undefined) return undefined;
    fields[name] = value;
    given.delete(name);
  }
  return given.size === 0 ? fields : undefined;
}

function oneOf(words: readonly string[]): Check {
  return (value) => words.find((word) => word === value);
}

function word(form: RegExp): Check {
  return (value) => {
    if (typeof value !== "string") return undefined;
    return form.test(value) ? withoutCredential(value) : REFUSED;
  };
}

function parsed(parse: (text: string) => string): Check {
  return (value) => {
    if (typeof value !== "string") return undefined;
    try {
      return parse(value) === value ? withoutCredential(value) : REFUSED;
    } catch {
      return REFUSED;
    }
  };
}

function integer(max: number): Check {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max ? value : undefined;
}

function text(value: unknown, name: string): string | undefined {
  if (typeof value !== "string") return undefined;
  const max = MAX_TEXT.get(name) ?? 0;
  const whole = withoutCredential(value);
  return (whole.length > max ? `${whole.slice(0, max)}${CUT}` : whole).toWellFormed();
}

function withoutCredential(value: string): string {
  return CREDENTIAL_REGEXPS.some((regexp) => regexp.test(value)) ? REFUSED : value;
}
