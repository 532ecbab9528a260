import assert from "node:assert/strict";
import { SERVICE_NAMES } from "../policy/service_name.ts";
import { SERVICES_FILE, servicesText } from "./generate_services.ts";

Deno.test("the committed list of services is the generated one; run `deno task services` if it is not", async () => {
  assert.equal(await Deno.readTextFile(SERVICES_FILE), servicesText());
});

Deno.test("servicesText() has a row for every service", () => {
  const rows = new Set([...servicesText().matchAll(/^\| `([a-z0-9-]+)` +\|/gm)].map(([, name]) => name));
  assert.deepEqual(SERVICE_NAMES.filter((name) => !rows.has(name)), []);
});
