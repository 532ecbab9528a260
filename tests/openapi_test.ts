import assert from "node:assert/strict";
import { OPENAPI_FILE } from "../scripts/generate_openapi.ts";
import { fileURLToPath } from "node:url";
import { npmTool } from "./support/npm_tool.ts";

Deno.test("a validator of OpenAPI takes the document [S-4.2]", async () => {
  const { status, output } = await npmTool("@seriousme/openapi-schema-validator@2.11.0/validate-api", [
    fileURLToPath(OPENAPI_FILE),
  ]);
  assert.equal(status, 0, output);
  assert.match(output, /valid/);
});
