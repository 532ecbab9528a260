import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { linesOf, logDirectory, numbered, openLog, wholeChain, writeLog } from "./testing/open_log.ts";

const WRITER = fileURLToPath(new URL("./testing/audit_writer.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));
const POSIX = Deno.build.os !== "windows";
/** Enough for a kill to meet a write now and then, and few enough to be quick: more by hand. */
const KILLS = Number(Deno.env.get("KZ_AUDIT_KILLS") ?? 8);
const CLIENTS = 16;

function startWriter(
  path: string,
  first: number,
  { wrapper = [], most = Infinity, stderr = "inherit" }: {
    wrapper?: readonly string[];
    most?: number;
    stderr?: "inherit" | "null";
  } = {},
): Deno.ChildProcess {
  const command = [
    ...wrapper,
    Deno.execPath(),
    "run",
    "--allow-all",
    "--no-prompt",
    "--config",
    CONFIG,
    WRITER,
    path,
    String(first),
    String(CLIENTS),
    String(most),
  ];
  return new Deno.Command(command[0]!, { args: command.slice(1), stdout: "piped", stderr }).spawn();
}

/** Kills a writer without warning, some milliseconds after its first line. @returns The ids that it had acknowledged. */
async function killAfter(writer: Deno.ChildProcess, delayMs: number): Promise<number[]> {
  let said = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const text of writer.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    timer ??= setTimeout(() => writer.kill("SIGKILL"), delayMs);
  }
  await writer.status;
  return said.split("\n").slice(0, -1).map(Number);
}

Deno.test({
  name: "an audit log has every line that was acknowledged before kill -9, and goes on after it [S-7.4]",
  ignore: !POSIX,
  async fn() {
    using directory = logDirectory();
    const acknowledged = new Set<number>();
    for (let round = 0; round < KILLS; round++) {
      const first = round * 1_000_000;
      const ids = await killAfter(startWriter(directory.log, first), Math.random() * 60);
      assert.ok(ids.length > 0);
      for (const id of ids) acknowledged.add(id);
    }
    // A restart: what was not ended is removed, and the chain goes on.
    await writeLog(directory.log, [numbered(-1)]);
    await wholeChain(directory.log);
    const written = new Set(linesOf(directory.log).map(({ tokenId }) => tokenId));
    for (const id of acknowledged) assert.ok(written.has(`id-${id}`), `${id} was acknowledged and is not there`);
  },
});

/** A file system with room for a small log only; undefined where it cannot be mounted. */
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
  name: "an audit log on a full disk denies, keeps whole lines alone, and goes on once there is room [S-7.2]",
  ignore: !canMount(),
  async fn() {
    using disk = smallDisk();
    assert.ok(disk !== undefined);
    const [path, filler] = [join(disk.path, "audit.log"), join(disk.path, "filler")];
    Deno.writeFileSync(filler, new Uint8Array(16 * 1024));
    await using log = await openLog(path);
    let acknowledged = 0;
    const fill = async () => {
      for (let round = 0; round < 200; round++) {
        // Many at once, so that a batch is cut off within and not at its beginning.
        const outcomes = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => log.audit.append(numbered(n))));
        acknowledged += outcomes.filter(({ status }) => status === "fulfilled").length;
        const refused = outcomes.filter((outcome) => outcome.status === "rejected");
        for (const { reason } of refused) assert.equal(reason.code, "AUDIT_UNAVAILABLE");
        if (refused.length > 0) return;
      }
      assert.fail("more was acknowledged than the disk holds");
    };
    await fill();
    const more = await Promise.allSettled(Array.from({ length: 500 }, (_, n) => log.audit.append(numbered(n))));
    acknowledged += more.filter(({ status }) => status === "fulfilled").length;
    assert.ok(more.some(({ status }) => status === "rejected"));
    const full = await wholeChain(path);
    assert.equal(full.lines, 1 + acknowledged);
    assert.equal(log.troubles[0]?.message, `Cannot continue audit log "${path}": the disk is full`);
    Deno.removeSync(filler);
    await log.audit.append(numbered(1));
    assert.equal(log.troubles.at(-1), undefined);
    assert.equal((await wholeChain(path)).lines, full.lines + 1);
  },
});

function hasStrace(): boolean {
  try {
    return new Deno.Command("strace", { args: ["-f", "true"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "an audit log acknowledges nothing that could not be synced to disk [S-7.2]",
  ignore: Deno.build.os !== "linux" || !hasStrace(),
  async fn() {
    using directory = logDirectory();
    // Every fdatasync fails: the writer ends with its first trouble, when it starts.
    const failing = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO"];
    const writer = startWriter(directory.log, 0, { wrapper: failing, most: 100, stderr: "null" });
    const { code, stdout } = await writer.output();
    assert.notEqual(code, 0);
    assert.equal(new TextDecoder().decode(stdout), "");
    assert.equal(Deno.readTextFileSync(directory.log), "");
  },
});
