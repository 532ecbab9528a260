import assert from "node:assert/strict";
import { directBackends } from "./vault.ts";
import { checkText, withSection } from "../bundle/testdata/check_bundle_text.ts";

Deno.test("TM-34 directBackends() lets the front worker have no value of a masked resource's backend", async () => {
  const resources = `resources:
  - { ref: a, resolver: masked, hosts: [a.example] }
  - { ref: b, resolver: direct, mode: direct }
backends:
  masked: { type: env }
  direct: { type: env }
  unused: { type: env }`;
  const { bundle } = await checkText(withSection("resources", resources).replace("backends:\n  gh: { type: env }", ""));
  assert.ok(bundle !== undefined);
  assert.deepEqual([...directBackends(bundle).keys()], ["direct"]);
});
