import type { JsonSchema } from "../cli/config/field.ts";
import { BUNDLE } from "../cli/server/bundle/bundle_fields.ts";

/** The JSON Schema of `bundle.yaml`, made from the definitions that the reader reads by. */
export function bundleSchema(): JsonSchema {
  const { description: _, ...schema } = BUNDLE.schema;
  return {
    // Draft 07, since that is what the YAML editors' language server implements.
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "KeyZero team server bundle (bundle.yaml)",
    ...schema,
  };
}

/** The text of the schema's file. */
export function bundleSchemaText(): string {
  return `${JSON.stringify(bundleSchema(), null, 2)}\n`;
}
