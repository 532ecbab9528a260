import { configSchemaText } from "../cli/config/json_schema.ts";
import { bundleSchemaText } from "./bundle_schema.ts";

/** Where the schemas are committed, and their texts. */
const SCHEMAS: readonly (readonly [file: URL, text: () => string])[] = [
  [new URL("../schema/keyzero.schema.json", import.meta.url), configSchemaText],
  [new URL("../schema/bundle.schema.json", import.meta.url), bundleSchemaText],
];

if (import.meta.main) {
  for (const [file, text] of SCHEMAS) await Deno.writeTextFile(file, text());
}
