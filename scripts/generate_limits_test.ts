import assert from "node:assert/strict";
import { LIMITS } from "../proxy/limits.ts";
import { LIMITS_PAGE, LIMITS_SOURCE, limitsPage } from "./generate_limits.ts";

Deno.test("docs/limits.md is the generated page; run `deno task docs` if it is not", async () => {
  assert.equal(await Deno.readTextFile(LIMITS_PAGE), limitsPage(await Deno.readTextFile(LIMITS_SOURCE)));
});

Deno.test("limitsPage() has a row for each limit, with its value and reason", async () => {
  const page = limitsPage(await Deno.readTextFile(LIMITS_SOURCE));
  for (const name of Object.keys(LIMITS)) {
    assert.match(page, new RegExp(`^\\| \`${name}\` +\\| [\\d,]+[ \\w]* +\\| \\S`, "m"));
  }
  assert.match(page, /^\| `headBytes` +\| 64 KiB +\| A head with large cookies/m);
  assert.match(page, /^\| `connections` +\| 8,192 +\|/m);
  assert.match(page, /^\| `drainMs` +\| 1 s +\|/m);
});

Deno.test("limitsPage() refuses a limit without a reason", () => {
  assert.throws(() => limitsPage("/** Why. */ headBytes: 1"), /Cannot make page/);
});
