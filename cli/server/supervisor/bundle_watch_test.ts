import assert from "node:assert/strict";
import { BundleWatch } from "./bundle_watch.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Longer than what a change takes to settle. */
const SETTLED_MS = 700;

Deno.test("BundleWatch tells of a change beside the bundle, and not of the server's own audit log [S-1.4]", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "kz-watch-" }));
  let told = 0;
  try {
    await Deno.writeTextFile(`${dir}/bundle.yaml`, "");
    await Deno.writeTextFile(`${dir}/audit.jsonl`, "");
    using _ = new BundleWatch(`${dir}/bundle.yaml`, () => told++, `${dir}/audit.jsonl`);
    await Deno.writeTextFile(`${dir}/audit.jsonl`, "a line\n", { append: true });
    await pause(SETTLED_MS);
    assert.equal(told, 0);
    await Deno.writeTextFile(`${dir}/bundle.yaml`, "a: b\n");
    await pause(SETTLED_MS);
    assert.equal(told, 1);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
