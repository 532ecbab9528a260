import assert from "node:assert/strict";
import { join } from "node:path";
import { AppError } from "../../policy/error.ts";
import { findConfigFiles, labelOf } from "./config_files.ts";

const UNIX = Deno.build.os !== "windows";
const CANARY = "hunter2-canary";

class Directory implements AsyncDisposable {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.path, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return path;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function makeDirectory(): Promise<Directory> {
  return new Directory(await Deno.realPath(await Deno.makeTempDir()));
}

const around = (cwd: string, variables: Record<string, string> = {}) => ({
  cwd,
  getEnv: (name: string) => variables[name],
});

Deno.test("findConfigFiles() walks up to the nearest .keyzero.toml [F-3.1]", async () => {
  await using directory = await makeDirectory();
  await directory.write(".keyzero.toml", "far");
  await directory.write("a/.keyzero.toml", "near");
  await directory.write("a/.keyzero.local.toml", "local");
  await directory.write("a/b/c/.keyzero.local.toml", "not beside it");
  const found = findConfigFiles(around(join(directory.path, "a/b/c")));
  assert.deepEqual([found.project?.text, found.local?.text, found.user], ["near", "local", undefined]);
  assert.equal(found.project?.label, join("..", "..", ".keyzero.toml"));
});

Deno.test("findConfigFiles() finds the user's file by XDG_CONFIG_HOME, else in ~/.config [F-3.3]", async () => {
  await using directory = await makeDirectory();
  await directory.write("xdg/keyzero/config.toml", "xdg");
  await directory.write("home/.config/keyzero/config.toml", "home");
  const HOME = join(directory.path, "home");
  const text = (variables: Record<string, string>) => findConfigFiles(around(directory.path, variables)).user?.text;
  assert.equal(text({ HOME, XDG_CONFIG_HOME: join(directory.path, "xdg") }), "xdg");
  assert.equal(text({ HOME, XDG_CONFIG_HOME: "relative" }), "home");
  assert.equal(text({ HOME }), "home");
  assert.equal(text({ HOME: join(directory.path, "xdg/keyzero/config.toml") }), undefined);
  assert.equal(text({}), undefined);
});

type Make = (directory: Directory) => Promise<unknown>;
const link = (target: string): Make => ({ path }) => Deno.symlink(target, join(path, ".keyzero.toml"));
const REFUSED: [why: string, make: Make, state: string, ignore?: boolean][] = [
  ["a directory", ({ path }) => Deno.mkdir(join(path, ".keyzero.toml")), "it is not a regular file"],
  ["a link to itself", link(".keyzero.toml"), "its symbolic links lead in a circle", !UNIX],
  ["a link to nothing", link("gone"), "it is a symbolic link to a file that does not exist", !UNIX],
  ["a device", link("/dev/zero"), "it is not a regular file", !UNIX],
  [
    "a pipe",
    ({ path }) => new Deno.Command("mkfifo", { args: [join(path, ".keyzero.toml")] }).output(),
    "it is not a regular file",
    !UNIX,
  ],
  ["1 MiB and a byte", (d) => d.write(".keyzero.toml", CANARY.padEnd(1024 * 1024 + 1)), "it is larger than 1 MiB"],
  ["bytes that are no UTF-8", (d) => d.write(".keyzero.toml", new Uint8Array([0x61, 0xff])), "it is not UTF-8 text"],
];
for (const [why, make, state, ignore = false] of REFUSED) {
  Deno.test({
    name: `findConfigFiles() refuses ${why}`,
    ignore,
    async fn() {
      await using directory = await makeDirectory();
      // One that could be read lies above: it may not be used in its place.
      await directory.write(".keyzero.toml", "");
      await Deno.mkdir(join(directory.path, "inner"));
      const inner = new Directory(join(directory.path, "inner"));
      await make(inner);
      assert.throws(() => findConfigFiles(around(inner.path)), (error) => {
        assert.ok(error instanceof AppError && error.code === "CONFIG_UNREADABLE");
        assert.equal(error.message, `Cannot read .keyzero.toml: ${state}`);
        return !Deno.inspect(error).includes(CANARY);
      });
    },
  });
}

Deno.test("findConfigFiles() reads 1 MiB, a link to a file, and a byte order mark", async () => {
  await using directory = await makeDirectory();
  await directory.write("real", new Uint8Array([0xef, 0xbb, 0xbf, 0x61]));
  await Deno.symlink("real", join(directory.path, ".keyzero.toml"));
  await directory.write(".keyzero.local.toml", "#".repeat(1024 * 1024));
  const { project, local } = findConfigFiles(around(directory.path));
  assert.deepEqual([project?.text, local?.text.length], ["a", 1024 * 1024]);
});

Deno.test({
  name: "labelOf() shows the user's file from the home directory",
  ignore: !UNIX,
  fn() {
    const path = "/home/ann/.config/keyzero/config.toml";
    assert.equal(labelOf(path, around("/work", { HOME: "/home/ann" })), "~/.config/keyzero/config.toml");
    assert.equal(labelOf(path, around("/work", { HOME: "/home/bob" })), path);
  },
});
