import type { Policy } from "../../../policy/server/bundle.ts";
import { Rule } from "../../../policy/server/rule.ts";
import { BLIND_FIELDS } from "../../config/blind_fields.ts";
import { converted, type Field, listOf, oneOf, parsed, table, type TableOf } from "../../config/field.ts";
import { BACKENDS } from "./backend_fields.ts";
import { issuerField } from "./issuer_fields.ts";
import { resourceField } from "./resource_fields.ts";
import { STATE } from "./state_fields.ts";
import { NAME_PATTERN, parsePolicyName } from "./texts.ts";

// Every key of `bundle.yaml` is defined once, here and in what this imports: the reader reads by these definitions and
// `schema/bundle.schema.json` is made from them.

const VERSION = oneOf(["1"], { description: 'The version of this format, "1".' }, {
  code: "CONFIG_TYPE_INVALID",
  state: "this version is unknown",
  hints: ['Write version: "1"'],
});

const RULE = parsed((text) => parseRule(text, "request"), {
  description: "CEL over issuer, org, service, env, branch, action, actor, groups, claims, ref, request and the " +
    "untrusted context. An error denies.",
  minLength: 1,
  examples: ['service == "agent" && ref == "github/pat"'],
});

const POLICY = converted(
  table(
    {
      name: parsed(parsePolicyName, { description: "What the audit calls it. Unique.", pattern: NAME_PATTERN }),
      effect: oneOf(["allow", "deny"] as const, { description: "What happens where the rule is true." }, {
        code: "CONFIG_TYPE_INVALID",
        state: "this effect is unknown",
      }),
      rule: RULE,
    },
    { description: "A policy; the first whose rule is true decides." },
    ["name", "effect", "rule"],
  ),
  ({ name, effect, rule }): Policy | undefined =>
    name === undefined || effect === undefined || rule === undefined ? undefined : { name, effect, rule },
);

/** The keys of `bundle.yaml`. */
const FIELDS = {
  version: VERSION,
  issuers: listOf(issuerField, { description: "Who signs JWTs that the server believes. Empty: nobody." }),
  policies: listOf(POLICY, { description: "In order, first match decides. No match: denied." }),
  resources: listOf(resourceField, { description: "What callers may ask for." }),
  backends: BACKENDS,
  network: table({ upstream_ca: BLIND_FIELDS.upstream_ca, connect: BLIND_FIELDS.connect }, {
    description: "How hosts are reached, as under [blind] in .keyzero.toml.",
  }),
  state: STATE,
  revokers: parsed((text) => parseRule(text, "identity"), {
    description: "CEL over a caller's identity: who may revoke the tokens of others. Absent: nobody.",
    minLength: 1,
  }),
};
export type BundleFields = TableOf<typeof FIELDS>;

/** A whole bundle. */
export const BUNDLE: Field<BundleFields> = table(FIELDS, { description: "" }, [
  "version",
  "issuers",
  "policies",
  "resources",
  "backends",
]);

/** @throws {AppError} `BUNDLE_RULE_INVALID`, with line and column within the rule. */
function parseRule(text: string, over: "request" | "identity"): string {
  return Rule.compile(text, { over }).source;
}
