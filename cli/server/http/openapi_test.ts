import assert from "node:assert/strict";
import { committedOpenApi, OPENAPI_FILE } from "../../../scripts/generate_openapi.ts";
import { startDoors } from "../testdata/start_doors.ts";

interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, unknown>> }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

Deno.test("the committed OpenAPI document is the generated one; run `deno task openapi` if it is not [S-4.2]", async () => {
  assert.equal(await Deno.readTextFile(OPENAPI_FILE), committedOpenApi());
});

Deno.test("GET /openapi.json serves the document, and it names every path that answers [S-4.2]", async () => {
  using doors = await startDoors({ proxyCa: "pem" });
  const response = await fetch(`${doors.url}/openapi.json`);
  const document: Document = await response.json();
  assert.equal(response.headers.get("content-type"), "application/json");
  const committed: Document = JSON.parse(committedOpenApi());
  assert.deepEqual(document.paths, committed.paths);
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const answer = await fetch(`${doors.url}${path}`, { method: method.toUpperCase() });
      await answer.body?.cancel();
      // A POST without a body has no media type.
      assert.equal(answer.status, method === "get" ? 200 : 415, path);
      assert.ok(String(answer.status) in responses, `${path} ${answer.status}`);
    }
  }
  await doors.shutdown(1000);
});

Deno.test("every reference of the OpenAPI document leads somewhere, and every schema is used [S-4.2]", () => {
  const document: Document = JSON.parse(committedOpenApi());
  const used = new Set([...committedOpenApi().matchAll(/"\$ref": "([^"]+)"/g)].map(([, ref]) => ref!));
  assert.deepEqual(
    [...used].sort(),
    Object.keys(document.components.schemas).sort().map((name) => `#/components/schemas/${name}`),
  );
});
