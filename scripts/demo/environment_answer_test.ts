import assert from "node:assert/strict";
import { environmentLines, parseEnvironment } from "./environment_answer.ts";

Deno.test("environmentLines() names every variable; those with one value share a line", () => {
  const variables = parseEnvironment('{"A":"1","HTTP_PROXY":"p","B":"","http_proxy":"p"}');
  assert.deepEqual(environmentLines(variables), ["A = 1", "HTTP_PROXY http_proxy = p", "B = (empty)"]);
});

for (const text of ["null", "[1]", '{"A":1}', "fetch failed"]) {
  Deno.test(`parseEnvironment() refuses ${text}`, () => assert.throws(() => parseEnvironment(text)));
}
