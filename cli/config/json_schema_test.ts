import assert from "node:assert/strict";
import { configSchema, configSchemaText } from "./json_schema.ts";
import { isTable } from "./field.ts";
import { problemsOf } from "./testdata/check_text.ts";

Deno.test("the committed schema is the generated one; run `deno task schema` if it is not [F-3.8]", async () => {
  const committed = new URL("../../schema/keyzero.schema.json", import.meta.url);
  assert.equal(await Deno.readTextFile(committed), configSchemaText());
});

function at(schema: unknown, ...path: string[]): Readonly<Record<string, unknown>> {
  const value = path.reduce((inner, key) => isTable(inner) ? inner[key] : undefined, schema);
  assert.ok(isTable(value), `nothing at ${path.join(".")}`);
  return value;
}

Deno.test("the schema describes every key, and has one for environments", () => {
  const schema = configSchema();
  assert.deepEqual(Object.keys(at(schema, "properties")), ["secrets", "providers", "blind"]);
  assert.deepEqual(Object.keys(at(schema, "additionalProperties", "properties")), ["secrets", "providers", "blind"]);
  const undescribed: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) return value.forEach((item, index) => walk(item, `${path}[${index}]`));
    if (!isTable(value)) return;
    for (const [key, property] of Object.entries(isTable(value["properties"]) ? value["properties"] : {})) {
      if (!isTable(property) || !property["description"]) undescribed.push(`${path}.${key}`);
    }
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(schema, "");
  assert.deepEqual(undescribed, []);
});

Deno.test("every key of a secret in the schema is known to the loader, and no other", async () => {
  const [table] = Object.values(at(configSchema(), "properties", "secrets", "additionalProperties")["anyOf"] ?? []);
  const keys = Object.keys(at(table, "properties"));
  const unknown = async (key: string) =>
    (await problemsOf({ project: `[secrets]\nA = { ${key} = [[1]] }` })).some(({ code }) =>
      code === "CONFIG_KEY_UNKNOWN"
    );
  for (const key of keys) assert.equal(await unknown(key), false, key);
  assert.equal(await unknown("reff"), true);
});
