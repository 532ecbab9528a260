import config from "../deno.json" with { type: "json" };
import { openApiText } from "../cli/server/http/openapi.ts";

/** Where the document is committed. */
export const OPENAPI_FILE = new URL("../schema/openapi.json", import.meta.url);

/** The document of this version. */
export function committedOpenApi(): string {
  return openApiText(config.version);
}

if (import.meta.main) await Deno.writeTextFile(OPENAPI_FILE, committedOpenApi());
