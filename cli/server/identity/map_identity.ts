import type { Issuer } from "../../../policy/server/bundle.ts";
import { type Identity, IDENTITY_FIELDS, type IdentityField } from "../../../policy/server/identity.ts";
import { isObject } from "./compact_jws.ts";

/**
 * Makes the identity that policies decide about, by its issuer's `map`.
 *
 * A field whose claim is missing, or is no text, number or boolean, is the empty text; so is one that is not mapped.
 * `groups` is a list's texts, or one text without spaces and commas: a text with several names in it is read in one way
 * here and in another there, and gives none.
 *
 * @param claims Verified, as JSON.
 */
export function mapIdentity(
  { name, map }: Pick<Issuer, "name" | "map">,
  subject: string,
  claims: Readonly<Record<string, unknown>>,
): Identity {
  const field = (name: IdentityField | "groups") => {
    const path = map.get(name);
    return path === undefined ? undefined : claimAt(claims, path);
  };
  const [org, service, env, action, branch, actor] = IDENTITY_FIELDS.map((name) => text(field(name)));
  return {
    issuer: name,
    subject,
    org: org!,
    service: service!,
    env: env!,
    action: action!,
    branch: branch!,
    actor: actor!,
    groups: names(field("groups")),
    claims,
  };
}

/** Follows names through objects, own members only: not into lists, texts or what every object inherits. */
function claimAt(claims: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  let value: unknown = path.length === 0 ? undefined : claims;
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? `${value}` : "";
}

function names(value: unknown): readonly string[] {
  if (typeof value === "string") return value === "" || /[\s,]/.test(value) ? [] : [value];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string" && one !== "") : [];
}
