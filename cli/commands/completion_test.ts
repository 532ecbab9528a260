import assert from "node:assert/strict";
import { hasProgram } from "../child/testdata/child_fixture.ts";
import { makeScript, SHELLS } from "./completion.ts";
import { COMMANDS } from "./table.ts";

for (const shell of SHELLS) {
  Deno.test(`makeScript() knows every command and option for ${shell}`, () => {
    const script = makeScript(shell) ?? "";
    for (const { name, options } of COMMANDS) {
      for (const word of name.split(" ")) assert.match(script, new RegExp(`\\b${word}\\b`));
      for (const option of options) assert.match(script, new RegExp(`(?:--|-l )${option.name}\\b`));
    }
  });

  Deno.test({
    name: `${shell} can read its script`,
    ignore: !hasProgram(shell),
    async fn() {
      const child = new Deno.Command(shell, { args: ["-n"], stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
      await ReadableStream.from([new TextEncoder().encode(makeScript(shell))]).pipeTo(child.stdin);
      const { code, stderr } = await child.output();
      assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
    },
  });
}

const COMPLETED: [words: string[], expected: string][] = [
  [["kz", "st"], "status"],
  [["kz", "put", "--m"], "--missing"],
  [["kz", "completion", "f"], "fish"],
  [["kz", "help", "val"], "validate"],
  [["kz", "serv"], "server"],
  [["kz", "server", "sta"], "start"],
  [["kz", "server", "start", "--bun"], "--bundle"],
];
for (const [words, expected] of COMPLETED) {
  Deno.test({
    name: `bash completes ${words.join(" ")}`,
    ignore: !hasProgram("bash"),
    async fn() {
      const script = `${makeScript("bash")}\nCOMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _kz; ` +
        'echo "${COMPREPLY[*]}"';
      const { stdout } = await new Deno.Command("bash", { args: ["--norc", "-c", script] }).output();
      assert.equal(new TextDecoder().decode(stdout).trim(), expected);
    },
  });
}
