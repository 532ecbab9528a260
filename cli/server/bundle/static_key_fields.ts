import { type Algorithm, ALGORITHMS, type StaticKey } from "../../../policy/server/bundle.ts";
import { AppError } from "../../../policy/error.ts";
import { parsePath } from "../../config/blind_fields.ts";
import {
  type Context,
  converted,
  faultOf,
  type Field,
  isTable,
  oneOf,
  parsed,
  table,
  type TableOf,
  wrongTypeFault,
} from "../../config/field.ts";
import { checkJwk, checkPem } from "./public_key.ts";
import { parseClaimText } from "./texts.ts";

/** A key of the bundle; a secret is still in its file. */
export type StaticKeyDraft = Omit<StaticKey, "material"> & {
  readonly material: Exclude<StaticKey["material"], { kind: "secret" }> | {
    readonly kind: "secret-file";
    /** As it is written: relative to the bundle. */
    readonly path: string;
  };
};

const MATERIALS = ["pem", "jwk", "secret_file"] as const;

const JWK: Field<Readonly<Record<string, unknown>>> = {
  schema: { type: "object", required: ["kty"], description: "A public key as a JWK (RFC 7517)." },
  read(value, at, report) {
    if (isTable(value)) return value;
    report(at, wrongTypeFault("a table", value));
    return undefined;
  },
};

const FIELDS = {
  kid: parsed((text) => parseClaimText(text, "BUNDLE_KEY_INVALID"), {
    description: "The key's id, as tokens name it. Needed where there are several keys, and unique.",
    minLength: 1,
  }),
  alg: oneOf(ALGORITHMS, { description: "The only algorithm that the key is used with." }, {
    code: "CONFIG_TYPE_INVALID",
    state: "this algorithm is not accepted",
  }),
  pem: parsed((text) => text, { description: "A public key in PEM form, SPKI.", pattern: "BEGIN PUBLIC KEY" }),
  jwk: JWK,
  secret_file: parsed(parsePath, {
    description:
      "HS only: a file with the secret, which starts at this file if it is relative. One line break at its " +
      "end does not count.",
  }),
};

const STATIC_KEY = table(FIELDS, { description: "A key, in one of three forms." }, ["alg"]);

/** An entry of `static_keys`. */
export const staticKeyField: Field<StaticKeyDraft> = {
  ...converted(STATIC_KEY, toKey),
  schema: { ...STATIC_KEY.schema, oneOf: MATERIALS.map((key) => ({ required: [key] })) },
};

function toKey(fields: TableOf<typeof FIELDS>, context: Context): StaticKeyDraft | undefined {
  const { raw, at, report } = context;
  const given = MATERIALS.filter((key) => isTable(raw) && Object.hasOwn(raw, key));
  if (given.length !== 1) {
    const code = given.length === 0 ? "CONFIG_KEY_MISSING" as const : "BUNDLE_KEY_INVALID" as const;
    report(at, { code, state: `one of "${MATERIALS.join('", "')}" is expected` });
    return undefined;
  }
  const jwkKid = fields.jwk?.["kid"];
  if (jwkKid !== undefined && fields.kid !== undefined && jwkKid !== fields.kid) {
    report([...at, "jwk"], { code: "BUNDLE_KEY_INVALID", state: "the JWK has another kid" });
  }
  if (fields.alg === undefined) return undefined;
  const [key] = given;
  try {
    const material = toMaterial(fields, fields.alg);
    const kid = fields.kid ?? (typeof jwkKid === "string" ? parseClaimText(jwkKid, "BUNDLE_KEY_INVALID") : undefined);
    return material === undefined ? undefined : { kid, alg: fields.alg, material };
  } catch (error) {
    report([...at, key!], faultOf(error));
    return undefined;
  }
}

/** @throws {AppError} `BUNDLE_KEY_INVALID` */
function toMaterial(fields: TableOf<typeof FIELDS>, alg: Algorithm): StaticKeyDraft["material"] | undefined {
  if (fields.pem !== undefined) return { kind: "pem", pem: checkPem(fields.pem, alg) };
  if (fields.jwk !== undefined) return { kind: "jwk", jwk: checkJwk(fields.jwk, alg) };
  return fields.secret_file === undefined
    ? undefined
    : { kind: "secret-file", path: checkSymmetric(fields.secret_file, alg) };
}

function checkSymmetric(path: string, alg: Algorithm): string {
  if (alg.startsWith("HS")) return path;
  throw new AppError("BUNDLE_KEY_INVALID", `Cannot read key: "${alg}" needs a public key, as pem or jwk`);
}
