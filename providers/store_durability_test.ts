import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockFile } from "./atomic_file.ts";
import { storeOf, temporaryDirectory } from "./testing/store_of.ts";

const WRITER = fileURLToPath(new URL("./testing/store_writer.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));
/** Enough for a kill to meet every step of a write now and then, and few enough to be quick. */
const KILLS = 8;
const WRITES_EACH = 25;

function startWriter(path: string, prefix: string, count: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-prompt", "--config", CONFIG, WRITER, path, prefix, String(count)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Kills a writer without warning in the middle of its work. @returns How many entries it had said were written. */
async function killAfter(writer: Deno.ChildProcess, entries: number, delayMs: number): Promise<number> {
  let said = "";
  for await (const text of writer.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.split("\n").length > entries) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      writer.kill("SIGKILL");
      break;
    }
  }
  await writer.status;
  return said.split("\n").length - 1;
}

Deno.test({
  name: "createStoreProvider() loses nothing that was stored when a writer is killed in mid-write [F-5.2]",
  ignore: Deno.build.os === "windows",
  async fn() {
    using directory = temporaryDirectory();
    const path = join(directory.path, "store.age");
    const store = storeOf({ path, identity: "file" });
    for (let round = 0; round < KILLS; round++) {
      const written = await killAfter(startWriter(path, `${round}-`, 100_000), 2, Math.random() * 10);
      for (let n = 0; n < written; n++) assert.equal(await store.get(`${round}-${n}`), `value of ${round}-${n}`);
    }
    assert.equal(await store.get("0-0"), "value of 0-0");
    // A lock or a temporary file that is left behind stops nobody.
    await store.put("after", "all");
    assert.equal(await store.get("after"), "all");
    assert.throws(() => Deno.statSync(`${path}.tmp`), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "createStoreProvider() loses no entry of two writers at once [F-9.6]",
  ignore: Deno.build.os === "windows",
  async fn() {
    using directory = temporaryDirectory();
    const path = join(directory.path, "store.age");
    const outputs = await Promise.all(["a", "b"].map((prefix) => startWriter(path, prefix, WRITES_EACH).output()));
    for (const { success } of outputs) assert(success);
    const store = storeOf({ path, identity: "file" });
    for (const prefix of ["a", "b"]) {
      for (let n = 0; n < WRITES_EACH; n++) assert.equal(await store.get(`${prefix}${n}`), `value of ${prefix}${n}`);
    }
  },
});

Deno.test("lockFile() gives up on a lock that another holds, and takes it once it is free", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "store.age");
  const { signal } = new AbortController();
  {
    using _held = await lockFile(path, { signal });
    // Both ends of the wait: an end that comes, and a caller that gives up.
    const late = lockFile(path, { signal, timeoutMs: 60 });
    await assert.rejects(late, { code: "STORE_LOCKED" });
  }
  // Where a lock cannot be tried, the wait that was left behind takes and frees it first.
  using _free = await lockFile(path, { signal });
});

/** A file system with room for one small store only; undefined where it cannot be mounted. */
function smallDisk(): (Disposable & { readonly path: string }) | undefined {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return undefined;
  const path = Deno.makeTempDirSync({ prefix: "kz-disk-" });
  const run = (program: string, ...args: string[]) => {
    try {
      return new Deno.Command(program, { args, stderr: "null" }).outputSync().success;
    } catch {
      return false;
    }
  };
  if (!run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path)) {
    Deno.removeSync(path);
    return undefined;
  }
  return {
    path,
    [Symbol.dispose]: () => {
      run("umount", path);
      Deno.removeSync(path);
    },
  };
}

function canMount(): boolean {
  using disk = smallDisk();
  return disk !== undefined;
}

Deno.test({
  name: "createStoreProvider() leaves the store whole when the disk is full [F-9.7]",
  ignore: !canMount(),
  async fn() {
    using disk = smallDisk();
    assert(disk !== undefined);
    const path = join(disk.path, "store.age");
    const store = storeOf({ path, identity: "file" });
    await store.put("a", "kept");
    const before = Deno.readFileSync(path);
    await assert.rejects(store.put("b", "x".repeat(65_536)), {
      code: "PROVIDER_WRITE_FAILED",
      message: 'Cannot store secret "b" of provider "store": the disk is full; the store is as it was',
    });
    assert.deepEqual(Deno.readFileSync(path), before);
    assert.throws(() => Deno.statSync(`${path}.tmp`), Deno.errors.NotFound);
    assert.equal(await store.get("a"), "kept");
    await store.put("c", "small");
    assert.equal(await store.get("c"), "small");
  },
});
