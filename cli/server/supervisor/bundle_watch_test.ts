import assert from "node:assert/strict";
import { BundleWatch } from "./bundle_watch.ts";

const UNIX = Deno.build.os !== "windows";

/** A directory with a bundle that is watched. */
async function watched() {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/bundle.yaml`;
  await Deno.writeTextFile(path, "a");
  let told = 0;
  let wake = () => {};
  const onChange = () => {
    told++;
    wake();
  };
  const watch = await BundleWatch.start(path, onChange, `${directory}/audit.jsonl`);
  return {
    directory,
    path,
    told: () => told,
    change: () => new Promise<void>((resolve) => wake = resolve),
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

const CHANGES: [why: string, change: (path: string, directory: string) => Promise<void>][] = [
  ["written", (path) => Deno.writeTextFile(path, "another")],
  ["written with as many bytes", (path) => Deno.writeTextFile(path, "b")],
  ["removed", (path) => Deno.remove(path)],
  ["replaced by a directory", async (path) => {
    await Deno.remove(path);
    await Deno.mkdir(path);
  }],
  ["replaced by another file", async (path, directory) => {
    await Deno.writeTextFile(`${directory}/next`, "c");
    await Deno.rename(`${directory}/next`, path);
  }],
  ["left, and a file beside it is written", (_, directory) => Deno.writeTextFile(`${directory}/roots.pem`, "c")],
];
for (const [why, change] of CHANGES) {
  Deno.test(`BundleWatch tells that the bundle is ${why} [S-1.6]`, async () => {
    await using around = await watched();
    const told = around.change();
    await change(around.path, around.directory);
    await told;
  });
}

Deno.test({
  name: "BundleWatch tells that a link on the way to the bundle is moved, as mounted volumes do [S-1.6]",
  ignore: !UNIX,
  async fn() {
    await using around = await watched();
    const { directory, path } = around;
    for (const name of ["one", "two"]) {
      await Deno.mkdir(`${directory}/${name}`);
      await Deno.writeTextFile(`${directory}/${name}/bundle.yaml`, "a");
    }
    await Deno.symlink("one", `${directory}/data`);
    await Deno.remove(path);
    await Deno.symlink("data/bundle.yaml", path);
    await around.change();
    const told = around.change();
    await Deno.symlink("two", `${directory}/data.next`);
    await Deno.rename(`${directory}/data.next`, `${directory}/data`);
    await told;
  },
});

Deno.test({
  name: "BundleWatch goes on where the bundle becomes a named pipe, and can be ended [S-1.6]",
  ignore: !UNIX,
  async fn() {
    await using around = await watched();
    const made = around.change();
    await Deno.remove(around.path);
    await new Deno.Command("mkfifo", { args: [around.path, `${around.directory}/pipe`] }).output();
    await made;
    const back = around.change();
    await Deno.remove(around.path);
    await Deno.writeTextFile(around.path, "b");
    await back;
  },
});

Deno.test("BundleWatch is silent about the file that is ignored, and where nothing changes", async () => {
  await using around = await watched();
  await Deno.writeTextFile(`${around.directory}/audit.jsonl`, "a");
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(around.told(), 0);
});
