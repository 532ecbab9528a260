import assert from "node:assert/strict";
import { SERVER_LIMITS } from "../cli/server/http/server_limits.ts";
import { LIMITS } from "../proxy/limits.ts";
import { EDGE_LIMITS } from "../proxy/edge/edge_limits.ts";
import { EDGE_LIMITS_SOURCE, LIMITS_PAGE, LIMITS_SOURCE, limitsPage, SERVER_LIMITS_SOURCE } from "./generate_limits.ts";

const [source = "", edgeSource = "", serverSource = ""] = await Promise.all(
  [LIMITS_SOURCE, EDGE_LIMITS_SOURCE, SERVER_LIMITS_SOURCE].map((url) => Deno.readTextFile(url)),
);

Deno.test("docs/limits.md is the generated page; run `deno task docs` if it is not", async () => {
  assert.equal(await Deno.readTextFile(LIMITS_PAGE), limitsPage(source, edgeSource, serverSource));
});

Deno.test("limitsPage() has a row for each limit, with its value and reason", () => {
  const page = limitsPage(source, edgeSource, serverSource);
  for (const name of [...Object.keys(LIMITS), ...Object.keys(EDGE_LIMITS), ...Object.keys(SERVER_LIMITS)]) {
    assert.match(page, new RegExp(`^\\| \`${name}\` +\\| [\\d,]+[ \\w]* +\\| \\S`, "m"));
  }
  assert.match(page, /^\| `headBytes` +\| 64 KiB +\| A head with large cookies/m);
  assert.match(page, /^\| `connections` +\| 8,192 +\|/m);
  assert.match(page, /^\| `drainMs` +\| 1 s +\|/m);
});

Deno.test("limitsPage() refuses a limit without a reason", () => {
  assert.throws(() => limitsPage(source, "/** Why. */ values: 1", serverSource), /Cannot make page/);
  assert.throws(() => limitsPage("/** Why. */ headBytes: 1", edgeSource, serverSource), /Cannot make page/);
});
