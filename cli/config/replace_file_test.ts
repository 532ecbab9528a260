import assert from "node:assert/strict";
import { join } from "node:path";
import { createFile, replaceFile } from "./replace_file.ts";

const UNIX = Deno.build.os !== "windows";

async function inDirectory(fn: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  try {
    await fn(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
const names = async (directory: string) =>
  (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort();
const file = (path: string, text: string) => ({ path, label: ".keyzero.toml", text });

Deno.test("replaceFile() replaces the text, keeps the mode and leaves nothing behind", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a");
    await Deno.writeTextFile(path, "old");
    if (UNIX) await Deno.chmod(path, 0o640);
    await replaceFile(file(path, "old"), "new");
    assert.equal(await Deno.readTextFile(path), "new");
    if (UNIX) assert.equal((await Deno.stat(path)).mode! & 0o777, 0o640);
    assert.deepEqual(await names(directory), ["a"]);
  }));

Deno.test("replaceFile() leaves a file alone that has changed since it was read", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a");
    await Deno.writeTextFile(path, "theirs");
    await assert.rejects(replaceFile(file(path, "old"), "new"), {
      code: "CONFIG_NOT_EDITED",
      message: "Cannot write .keyzero.toml: it was changed in the meantime",
    });
    assert.equal(await Deno.readTextFile(path), "theirs");
    assert.deepEqual(await names(directory), ["a"]);
  }));

Deno.test("replaceFile() lets one of two writers win, and tells the other [F-9.6]", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a");
    for (let round = 0; round < 20; round++) {
      await Deno.writeTextFile(path, "old");
      const texts = ["one", "two", "three"];
      const settled = await Promise.allSettled(texts.map((text) => replaceFile(file(path, "old"), text)));
      const won = texts.filter((_, index) => settled[index]?.status === "fulfilled");
      assert.deepEqual([await Deno.readTextFile(path)], won);
    }
  }));

Deno.test("replaceFile() keeps a symbolic link and a byte order mark", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "real"), "\ufeffold");
    await Deno.symlink("real", join(directory, "link"));
    await replaceFile(file(join(directory, "link"), "old"), "new");
    assert.ok((await Deno.lstat(join(directory, "link"))).isSymlink);
    assert.deepEqual(
      (await Deno.readFile(join(directory, "real"))).slice(0, 4),
      new Uint8Array([0xef, 0xbb, 0xbf, 0x6e]),
    );
  }));

Deno.test("replaceFile() says so when the file is gone", () =>
  inDirectory(async (directory) => {
    await assert.rejects(replaceFile(file(join(directory, "a"), "old"), "new"), { code: "CONFIG_NOT_EDITED" });
    assert.deepEqual(await names(directory), []);
  }));

Deno.test("createFile() makes a file and never overwrites one", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a");
    await createFile(path, "a", "one");
    await assert.rejects(createFile(path, "a", "two"), {
      code: "CONFIG_EXISTS",
      message: "Cannot make a: it is there already",
    });
    assert.equal(await Deno.readTextFile(path), "one");
  }));
