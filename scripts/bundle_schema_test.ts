import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv-provider.js";
import assert from "node:assert/strict";
import { parse } from "yaml";
import { isTable } from "../cli/config/field.ts";
import { bundleSchema, bundleSchemaText } from "./bundle_schema.ts";
import {
  checkText,
  issuers,
  KEYS,
  keys,
  policies,
  resources,
  withSection,
} from "../cli/server/bundle/testdata/check_bundle_text.ts";

Deno.test("the committed schema of bundles is the generated one; run `deno task schema` if it is not [S-1.5]", async () => {
  const committed = new URL("../schema/bundle.schema.json", import.meta.url);
  assert.equal(await Deno.readTextFile(committed), bundleSchemaText());
});

Deno.test("the schema of bundles describes every key", () => {
  const undescribed: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) return value.forEach((item, index) => walk(item, `${path}[${index}]`));
    if (!isTable(value)) return;
    for (const [key, property] of Object.entries(isTable(value["properties"]) ? value["properties"] : {})) {
      if (!isTable(property) || !(property["description"] || property["const"])) undescribed.push(`${path}.${key}`);
    }
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(bundleSchema(), "");
  assert.deepEqual(undescribed, []);
});

const validate = new AjvJsonSchemaValidator().getValidator({ ...bundleSchema() });
const valid = (text: string) => validate(parse(text)).valid;

Deno.test("the schema takes the complete example of docs/bundle.md [S-1.5]", async () => {
  const docs = await Deno.readTextFile(new URL("../docs/bundle.md", import.meta.url));
  const [, example = ""] = /```yaml\n(.*?)```/s.exec(docs) ?? [];
  assert.deepEqual(validate(parse(example)).errorMessage, undefined);
});

const { rsa } = KEYS;
/** What the schema can tell, it tells as the reader does. */
const TABLE: [why: string, text: string, taken: boolean][] = [
  ["a good bundle", resources({ secret: "X" }), true],
  ["a null audience", issuers({ audience: "null" }), true],
  ["no audience", issuers({ audience: undefined }), false],
  ["an unknown key", issuers({ audiences: "x" }), false],
  ["neither kind of keys", issuers({ jwks_url: undefined }), false],
  ["both kinds of keys", issuers({ static_keys: `[{ alg: RS256, pem: ${rsa.publicPem} }]` }), false],
  ["a key", keys(`{ alg: RS256, pem: ${rsa.publicPem} }`), true],
  ["a key of two forms", keys(`{ alg: RS256, pem: ${rsa.publicPem}, jwk: ${rsa.publicJwk} }`), false],
  ["HS for a key set", issuers({ algorithms: "[HS256]" }), false],
  ["a claim path", issuers({ map: `{ env: 'claims["a.b"].c' }` }), true],
  ["a claim path with an index", issuers({ map: "{ env: 'claims.a[0]' }" }), false],
  ["a number as version", withSection("version", "version: 1"), false],
  ["an unknown effect", policies({ effect: "maybe" }), false],
  ["a ttl of 0", resources({ ttl: "0" }), false],
  ["an unknown provider", withSection("backends", "backends: { gh: { type: x } }"), false],
  [
    "an option of another provider",
    withSection("backends", "backends: { gh: { type: env, region: eu-west-1 } }"),
    false,
  ],
  [
    "an option",
    withSection("backends", "backends: { gh: { type: aws, region: eu-west-1 } }").replace("TOKEN", "sm://x"),
    true,
  ],
];
for (const [why, text, taken] of TABLE) {
  Deno.test(`the schema and checkBundle() agree on ${why} [S-1.5]`, async () => {
    assert.equal(valid(text), taken);
    const { problems } = await checkText(text);
    assert.equal(problems.length === 0, taken, problems.map(({ message }) => message).join("\n"));
  });
}
