import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { parseArguments } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import { COMMANDS } from "./table.ts";

const CANARY = "hunter2-canary";
const spec = (name: string): CommandSpec => COMMANDS.find((command) => command.name === name)!;

const REST: [why: string, args: string[], expected: string[]][] = [
  ["after --", ["--", "a", "-x"], ["a", "-x"]],
  ["without --", ["a", "-x"], ["a", "-x"]],
  ["a second --", ["--", "a", "--", "b"], ["a", "--", "b"]],
  ["-- after the program, which is its own", ["a", "--", "b"], ["a", "--", "b"]],
  ["our own options after the program", ["--", "a", "--blind", "--env", "x"], ["a", "--blind", "--env", "x"]],
  ["our own options after the program, without --", ["--redact", "a", "--blind", "--help"], ["a", "--blind", "--help"]],
  ["empty arguments, spaces and letters of any kind", ["--", "a", "", " ", "é\u001b", "-", "--=", "{{A}}"], [
    "a",
    "",
    " ",
    "é\u001b",
    "-",
    "--=",
    "{{A}}",
  ]],
  ["a program after a value that looks like one", ["--env", "a", "b"], ["b"]],
  ["a value with an equals sign", ["--env=a", "b=c"], ["b=c"]],
  ["a lone hyphen", ["-", "b"], ["-", "b"]],
  ["a program that begins with a hyphen", ["--", "-a"], ["-a"]],
];
for (const [why, args, expected] of REST) {
  Deno.test(`parseArguments() leaves a program's arguments as they are: ${why}`, () => {
    assert.deepEqual(parseArguments(spec("run"), args).operands, expected);
  });
}

Deno.test("parseArguments() takes each value of a repeated option as it is", () => {
  const args = parseArguments(spec("jwt sign"), ["--claim", "a=1,2", "--key", "k", "--claim=b==", "--claim", "a=1,2"]);
  assert.deepEqual(args.all("claim"), ["a=1,2", "b==", "a=1,2"]);
  assert.deepEqual(parseArguments(spec("jwt sign"), []).all("claim"), []);
  assert.throws(() => parseArguments(spec("jwt sign"), ["--key", "a", "--key", "b"]), /--key is given more than once/);
});

Deno.test("parseArguments() reads options, lists and switches", () => {
  const args = parseArguments(spec("run"), ["--only", "A,B", "--only=C", "--env", "p", "--blind", "--", "x"]);
  assert.deepEqual(args.list("only"), ["A", "B", "C"]);
  assert.equal(args.value("env"), "p");
  assert.deepEqual([args.has("blind"), args.has("redact"), args.list("keep-env")], [true, false, undefined]);
});

Deno.test("parseArguments() takes options before and after operands", () => {
  const args = parseArguments(spec("put"), ["A", "--stdin"]);
  assert.deepEqual([args.operands, args.has("stdin")], [["A"], true]);
});

const HELP: [command: string, args: string[]][] = [["run", ["--help"]], ["put", ["-h"]], ["add", ["A", "--help"]]];
for (const [command, args] of HELP) {
  Deno.test(`parseArguments() sees ${args.join(" ")} of ${command}`, () => {
    assert.equal(parseArguments(spec(command), args).help, true);
  });
}

const REFUSED: [why: string, command: string, args: string[], message: RegExp, hint: RegExp][] = [
  ["a value as an argument [F-5.8]", "put", ["A", CANARY], /an argument too many$/, /never taken from an argument/],
  ["a value as an option [F-5.8]", "put", ["A", `--${CANARY}`], /argument 2 is not an option/, /kz help put/],
  ["a value of a misspelt option", "put", [`--stdim=${CANARY}`], /argument 1 is not an option/, /"--stdin"/],
  ["a value of a switch", "put", [`--stdin=${CANARY}`], /--stdin takes no value$/, /^$/],
  ["a short option", "put", ["-s"], /argument 1 is not/, /kz help put/],
  ["a group of short options", "put", [`-x${CANARY}`], /argument 1 is not/, /kz help put/],
  ["a value that is missing at the end", "run", ["--env"], /--env needs a value$/, /^$/],
  ["an option where a value belongs", "run", ["--env", "--blind", "x"], /--env needs a value$/, /^$/],
  ["an empty value", "run", ["--env=", "x"], /--env needs a value$/, /^$/],
  ["-- where a value belongs", "run", ["--env", "--", "x"], /--env needs a value$/, /^$/],
  ["an option twice", "run", ["--env", "a", "--env", "b", "x"], /--env is given more than once$/, /^$/],
  ["no program", "run", ["--blind"], /an argument is missing$/, /-- <program>/],
  ["no program after --", "run", ["--"], /an argument is missing$/, /-- <program>/],
  ["an operand of a command without any", "init", [CANARY], /an argument too many$/, /kz init/],
];
for (const [why, command, args, message, hint] of REFUSED) {
  Deno.test(`parseArguments() refuses ${why}`, () => {
    assert.throws(() => parseArguments(spec(command), args), (error) => {
      assert.ok(error instanceof AppError && error.code === "USAGE_INVALID");
      assert.match(error.message, message);
      assert.match(error.hints.join("\n"), hint);
      return !Deno.inspect(error).includes(CANARY);
    });
  });
}
