import assert from "node:assert/strict";
import { Denial } from "../../../policy/server/denial.ts";
import type { ValueRequest } from "../../../proxy/edge/protocol.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import { directBackends, openVault } from "./vault.ts";
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

Deno.test("TM-38 openVault() reads so many values of a backend at one time, lets some wait, and refuses more", async () => {
  const { port1, port2 } = new MessageChannel();
  const backend = { provider: "file", options: {} };
  let failed = 0;
  using _vault = openVault(port1, {
    backends: new Map([["one", backend], ["other", backend]]),
    root: "/nonexistent",
    onFailure: () => failed++,
    limits: { running: 1, waiting: 1 },
  });
  using caller = new PortCaller<ValueRequest, null>(port2);
  const read = (backend: string, secret: string) =>
    caller.call({ backend, secret }).then(() => "read", (error) => error instanceof Denial ? error.code : "fault");
  const outcomes = await Promise.all([read("one", "a"), read("one", "b"), read("one", "c"), read("other", "d")]);
  assert.deepEqual(outcomes, ["SECRET_UNAVAILABLE", "SECRET_UNAVAILABLE", "OVERLOADED", "SECRET_UNAVAILABLE"]);
  assert.equal(failed, 3);
});
