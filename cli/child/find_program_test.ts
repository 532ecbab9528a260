import assert from "node:assert/strict";
import { AppError, type ErrorCode } from "../../policy/error.ts";
import { findProgram, spawnError } from "./find_program.ts";

const WINDOWS = Deno.build.os === "windows";

interface TestDirectory extends Disposable {
  readonly path: string;
}

/** `one` and `two` each hold some files named for what they are. */
function makeDirectory(): TestDirectory {
  const path = Deno.makeTempDirSync();
  const file = (name: string, content: string | Uint8Array, mode: number) => {
    Deno.mkdirSync(`${path}/${name.split("/")[0]}`, { recursive: true });
    Deno.writeFileSync(`${path}/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
    Deno.chmodSync(`${path}/${name}`, mode);
  };
  file("one/plain", "#!/bin/sh\n", 0o755);
  file("two/plain", "#!/bin/sh\n", 0o755);
  file("one/closed", "#!/bin/sh\n", 0o644);
  file("two/closed", "#!/bin/sh\n", 0o755);
  file("one/only-closed", "#!/bin/sh\n", 0o644);
  file("one/bare", "echo bare\n", 0o755);
  file("one/empty", "", 0o755);
  file("one/binary", new Uint8Array([0xca, 0xfe, 0, 1]), 0o755);
  Deno.mkdirSync(`${path}/one/folder`);
  Deno.mkdirSync(`${path}/one/both`);
  file("two/both", "#!/bin/sh\n", 0o755);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

const found: readonly [why: string, command: string, path: string, expected: string][] = [
  ["takes the first directory", "plain", "D/one:D/two", "D/one/plain"],
  ["goes past a directory that does not exist", "plain", "D/none:D/two", "D/two/plain"],
  ["goes past a path element that is a file", "plain", "D/one/plain:D/two", "D/two/plain"],
  ["goes past a file that is not executable", "closed", "D/one:D/two", "D/two/closed"],
  ["goes past a folder of that name", "both", "D/one:D/two", "D/two/both"],
  ["takes a path as it is", "D/two/plain", "D/one", "D/two/plain"],
  ["leaves a binary to the system", "binary", "D/one", "D/one/binary"],
];

for (const [why, command, path, expected] of found) {
  Deno.test({
    name: `findProgram() ${why}`,
    ignore: WINDOWS,
    fn() {
      using directory = makeDirectory();
      const placed = (text: string) => text.replaceAll(/\bD\b/g, directory.path);
      assert.equal(findProgram(placed(command), placed(path)), placed(expected));
    },
  });
}

const refused: readonly [why: string, command: string, path: string, code: ErrorCode, status: number][] = [
  ["an unknown name", "none", "D/one:D/two", "CHILD_NOT_FOUND", 127],
  ["an unknown path", "D/none", "D/one", "CHILD_NOT_FOUND", 127],
  ["a path below a file", "D/one/plain/x", "D/one", "CHILD_NOT_FOUND", 127],
  ["the empty command", "", "D/one", "CHILD_NOT_FOUND", 127],
  ["a folder in PATH", "folder", "D/one", "CHILD_NOT_FOUND", 127],
  ["a folder by its path", "D/one/folder", "D/one", "CHILD_NOT_EXECUTABLE", 126],
  ["a file that is not executable", "only-closed", "D/one:D/two", "CHILD_NOT_EXECUTABLE", 126],
  ["a script without an interpreter line", "bare", "D/one", "CHILD_NOT_EXECUTABLE", 126],
  ["an empty file", "empty", "D/one", "CHILD_NOT_EXECUTABLE", 126],
];

for (const [why, command, path, code, status] of refused) {
  Deno.test({
    name: `findProgram() refuses ${why}`,
    ignore: WINDOWS,
    fn() {
      using directory = makeDirectory();
      const placed = (text: string) => text.replaceAll(/\bD\b/g, directory.path);
      assert.throws(() => findProgram(placed(command), placed(path)), (error) => {
        assert.ok(error instanceof AppError);
        assert.equal(error.code, code);
        assert.equal(error.exitStatus, status);
        assert.ok(error.hints.length > 0);
        return true;
      });
    },
  });
}

Deno.test({
  name: "findProgram() searches /bin and /usr/bin when there is no PATH",
  ignore: WINDOWS,
  fn() {
    assert.match(findProgram("sh", undefined), /^(?:\/usr)?\/bin\/sh$/);
  },
});

Deno.test({
  name: "findProgram() does not search our own PATH",
  ignore: WINDOWS,
  fn() {
    using directory = makeDirectory();
    assert.throws(() => findProgram("sh", `${directory.path}/one`), { code: "CHILD_NOT_FOUND" });
  },
});

Deno.test("findProgram() does not name what does not look like a command", { ignore: WINDOWS }, () => {
  for (const command of ["canary value", "canary\nvalue", "canary=value"]) {
    assert.throws(() => findProgram(command, "/none"), (error) => {
      assert.ok(error instanceof AppError);
      assert.ok(!error.message.includes("canary"));
      return true;
    });
  }
});

const thrown: readonly [why: string, cause: Error, message: string][] = [
  ["refused permission", new Deno.errors.PermissionDenied("x"), 'Cannot run "p": permission is denied'],
  [
    "a missing interpreter",
    new Deno.errors.NotFound("x"),
    'Cannot run "p": the interpreter or loader that it names does not exist',
  ],
  [
    "too many arguments",
    Object.assign(new Error("x"), { code: "E2BIG" }),
    'Cannot run "p": its arguments and environment are too long for the system',
  ],
  ["anything else", new Error("x"), `Cannot run "p": the system refuses the file's format`],
];

for (const [why, cause, message] of thrown) {
  Deno.test({
    name: `spawnError() explains ${why}`,
    ignore: WINDOWS,
    fn() {
      const error = spawnError("p", cause);
      assert.equal(error.code, "CHILD_NOT_EXECUTABLE");
      assert.equal(error.message, message);
    },
  });
}
