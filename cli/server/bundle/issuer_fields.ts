import {
  type Algorithm,
  ALGORITHMS,
  type Issuer,
  ISSUER_TYPES,
  type IssuerKeys,
} from "../../../policy/server/bundle.ts";
import { CLAIM_PATH_PATTERN, parseClaimPath } from "../../../policy/server/claim_path.ts";
import { IDENTITY_FIELDS } from "../../../policy/server/identity.ts";
import { DEFAULT_MAPS } from "../../../policy/server/issuer_defaults.ts";
import {
  type Context,
  converted,
  type Fault,
  faultOf,
  type Field,
  flag,
  isTable,
  listOf,
  oneOf,
  oneOrMore,
  parsed,
  table,
  type TableOf,
} from "../../config/field.ts";
import { parseIssuerUrl, parseJwksUrl, URL_PATTERN } from "./issuer_url.ts";
import { type StaticKeyDraft, staticKeyField } from "./static_key_fields.ts";
import { NAME_PATTERN, parseClaimText, parseEntryName } from "./texts.ts";

/** An issuer whose secrets are still in their files. */
export type IssuerDraft = Omit<Issuer, "keys"> & {
  readonly keys: Exclude<IssuerKeys, { kind: "static" }> | {
    readonly kind: "static";
    readonly keys: readonly StaticKeyDraft[];
  };
};

/** What JWKS keys may be used with: a symmetric one has no place in a public document. */
const ASYMMETRIC: readonly Algorithm[] = ALGORITHMS.filter((alg) => !alg.startsWith("HS"));

const AUDIENCES = oneOrMore(
  parsed((text) => parseClaimText(text, "BUNDLE_ISSUER_INVALID"), { description: "an audience", minLength: 1 }),
  { description: "" },
);
/** Null is the word for "any", which has to be written; an absent audience is refused. */
const AUDIENCE: Field<readonly string[] | null> = {
  schema: {
    anyOf: [AUDIENCES.schema, { type: "null" }],
    description:
      'What the claim "aud" must name, one of them. null: tokens for anybody are taken, which is seldom wise.',
  },
  read: (value, at, report) => value === null ? null : AUDIENCES.read(value, at, report),
};

const CLAIM_PATH = (field: string) =>
  parsed(parseClaimPath, {
    description: `The claim that is "${field}" in rules.`,
    pattern: CLAIM_PATH_PATTERN,
    examples: ["claims.service_name"],
  });
const MAP = table(
  Object.fromEntries([...IDENTITY_FIELDS, "groups"].map((field) => [field, CLAIM_PATH(field)])),
  {
    description: "Which claims say who a caller is; what is not named here is as the issuer's type says.",
    examples: [{ service: "claims.service_name", groups: "claims.realm_access.roles" }],
  },
);

const FIELDS = {
  name: parsed(parseEntryName, { description: 'What rules call it: issuer == "…". Unique.', pattern: NAME_PATTERN }),
  type: oneOf(ISSUER_TYPES, { description: "Who it is, which says what its claims mean." }, {
    code: "CONFIG_TYPE_INVALID",
    state: "this type of issuer is unknown",
  }),
  issuer_url: parsed(parseIssuerUrl, {
    description: 'Equal to the claim "iss", character for character. Unique.',
    pattern: URL_PATTERN,
    examples: ["https://token.actions.githubusercontent.com"],
  }),
  audience: AUDIENCE,
  map: MAP,
  jwks_url: parsed((text) => text, {
    description: "Where the issuer's public keys are: https.",
    pattern: "^https?://",
    examples: ["https://token.actions.githubusercontent.com/.well-known/jwks"],
  }),
  jwks_private: flag({
    description: "If true, jwks_url may be at a loopback or private address, and http at a loopback one.",
    default: false,
  }),
  algorithms: listOf(
    oneOf(ASYMMETRIC, { description: "an algorithm of RFC 7518 or RFC 8037" }, {
      code: "CONFIG_TYPE_INVALID",
      state: "this algorithm is not accepted",
    }),
    { description: "What the keys of jwks_url may be used with. Default: all of these." },
    1,
  ),
  static_keys: listOf(staticKeyField, { description: "The issuer's keys, in place of jwks_url." }, 1),
};
type Fields = TableOf<typeof FIELDS>;

const ISSUER = table(FIELDS, { description: "Who signs JWTs that the server believes." }, [
  "name",
  "type",
  "issuer_url",
  "audience",
]);

/** An entry of `issuers`. */
export const issuerField: Field<IssuerDraft> = {
  ...converted(ISSUER, toIssuer),
  schema: { ...ISSUER.schema, oneOf: [{ required: ["jwks_url"] }, { required: ["static_keys"] }] },
};

function toIssuer(fields: Fields, context: Context): IssuerDraft | undefined {
  const keys = toKeys(fields, context);
  const { name, type, issuer_url: issuerUrl, audience, map = {} } = fields;
  if (name === undefined || type === undefined || issuerUrl === undefined || audience === undefined) return undefined;
  if (keys === undefined) return undefined;
  const written = [...IDENTITY_FIELDS, "groups" as const].flatMap((field) => {
    const path = map[field];
    return path === undefined ? [] : [[field, path] as const];
  });
  return {
    name,
    type,
    issuerUrl,
    audiences: audience ?? undefined,
    map: new Map([...DEFAULT_MAPS[type], ...written]),
    keys,
  };
}

function toKeys(fields: Fields, { raw, at, report }: Context): IssuerDraft["keys"] | undefined {
  const has = (key: string) => isTable(raw) && Object.hasOwn(raw, key);
  const refuse = (state: string, key?: string, code: Fault["code"] = "BUNDLE_ISSUER_INVALID"): undefined => {
    report(key === undefined ? at : [...at, key], { code, state });
  };
  if (has("jwks_url") && has("static_keys")) {
    return refuse('it is there beside "jwks_url"; one of both is expected', "static_keys");
  }
  if (has("static_keys")) {
    for (const key of ["jwks_private", "algorithms"]) if (has(key)) refuse('it goes with "jwks_url" alone', key);
    return fields.static_keys === undefined ? undefined : { kind: "static", keys: fields.static_keys };
  }
  if (!has("jwks_url")) return refuse('"jwks_url" or "static_keys" is missing', undefined, "CONFIG_KEY_MISSING");
  if (fields.jwks_url === undefined) return undefined;
  const allowPrivate = fields.jwks_private ?? false;
  try {
    const url = parseJwksUrl(fields.jwks_url, { allowPrivate });
    return { kind: "jwks", url, allowPrivate, algorithms: fields.algorithms ?? ASYMMETRIC };
  } catch (error) {
    report([...at, "jwks_url"], faultOf(error));
    return undefined;
  }
}
