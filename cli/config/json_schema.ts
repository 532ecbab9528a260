import { DOCUMENT } from "./document.ts";
import type { JsonSchema } from "./field.ts";

/** The JSON Schema of `.keyzero.toml`, made from the definitions that the loader reads by. */
export function configSchema(): JsonSchema {
  return {
    // Draft 07, since that is what the TOML editors' language server implements.
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "KeyZero configuration (.keyzero.toml)",
    ...DOCUMENT.schema,
  };
}

/** The text of the schema's file. */
export function configSchemaText(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`;
}
