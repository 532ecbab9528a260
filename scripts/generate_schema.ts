import { configSchemaText } from "../cli/config/json_schema.ts";

/** Where the schema is committed. */
export const SCHEMA_FILE = new URL("../schema/keyzero.schema.json", import.meta.url);

if (import.meta.main) await Deno.writeTextFile(SCHEMA_FILE, configSchemaText());
