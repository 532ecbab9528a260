import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { assertNoLeak, findLeak, makeCanary, makeProject } from "./project.ts";

const VALUE = "s3cr3t/with+signs?~";
const table: [name: string, leak: string][] = [
  ["raw", `Bearer ${VALUE}`],
  ["base64 of the value", Buffer.from(VALUE).toString("base64")],
  ["base64 behind a user name", Buffer.from(`u:${VALUE}`).toString("base64")],
  ["base64 behind a longer user name", Buffer.from(`us:${VALUE}`).toString("base64")],
  ["base64url", Buffer.from(`u:${VALUE}`).toString("base64url")],
  ["hex", Buffer.from(VALUE).toString("hex")],
  ["percent", encodeURIComponent(VALUE)],
];
for (const [name, leak] of table) {
  Deno.test(`findLeak() finds ${name}`, () => {
    assert.notEqual(findLeak(VALUE, `before ${leak} after`), undefined);
    assert.throws(() => assertNoLeak(VALUE, leak, "a test"), /the real value is in a test/);
  });
}

Deno.test("findLeak() finds nothing in other text", () => {
  assert.equal(findLeak(VALUE, `${makeCanary()} ${Buffer.from(makeCanary()).toString("base64")}`), undefined);
});

Deno.test("makeProject() writes the files and removes them with its scope", async () => {
  let dir: string;
  {
    await using project = await makeProject({ toml: "[secrets]\n", files: { "a/b.env": "X=1\n" } });
    dir = project.dir;
    assert.equal(await Deno.readTextFile(`${dir}/.keyzero.toml`), "[secrets]\n");
    assert.equal(await Deno.readTextFile(`${dir}/a/b.env`), "X=1\n");
  }
  await assert.rejects(Deno.stat(dir), Deno.errors.NotFound);
});
