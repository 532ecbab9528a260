import { AUDIT_COMMANDS } from "./audit_table.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";
import { JWT_COMMANDS } from "./jwt_table.ts";
import { SERVER_COMMANDS } from "./server_table.ts";

const ENV: OptionSpec = { name: "env", value: "name", description: "Use this environment's sections" };
const JSON_OUTPUT: OptionSpec = { name: "json", description: "Print JSON" };
const NONE = { usage: "", min: 0, max: 0 };
const VALUES_HINT = "A value is never taken from an argument: kz asks for it, or reads it with --stdin";

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "Run a program with the secrets in its environment",
    options: [
      ENV,
      { name: "only", value: "names", list: true, description: "Only these secrets, with commas between them" },
      { name: "clean-env", description: "Pass on only a few harmless variables of the caller" },
      { name: "keep-env", value: "names", list: true, description: "Variables to pass on all the same; LOG_* works" },
      { name: "redact", description: "Replace secret values in the program's output" },
      { name: "blind", description: "Give the program tokens; a proxy sends the values to approved hosts" },
      { name: "server", value: "url", description: "The team server that secrets of provider keyzero come from" },
      { name: "jwt-file", value: "file", description: "The JWT to show it; by default KEYZERO_JWT_FILE" },
    ],
    operands: { usage: "[options] -- <program> [arguments]", min: 1, max: Infinity, rest: true },
    changes: false,
    load: async () => {
      const { runCommand } = await import("./run.ts");
      return (args, around) => {
        const [env, only] = [args.value("env"), args.list("only")];
        const [server, jwtFile] = [args.value("server"), args.value("jwt-file")];
        return runCommand({
          ...(env === undefined ? {} : { env }),
          ...(only === undefined ? {} : { only: [...only] }),
          cleanEnv: args.has("clean-env"),
          keepEnv: [...args.list("keep-env") ?? []],
          redact: args.has("redact"),
          blind: args.has("blind"),
          ...(server === undefined ? {} : { server }),
          ...(jwtFile === undefined ? {} : { jwtFile }),
          command: [...args.operands],
        }, around);
      };
    },
  },
  {
    name: "init",
    summary: "Write a first .keyzero.toml here",
    options: [],
    operands: NONE,
    changes: true,
    load: async () => (await import("./init.ts")).initCommand,
  },
  {
    name: "add",
    summary: "Declare a secret in .keyzero.toml",
    options: [
      ENV,
      { name: "provider", value: "name", description: "Where the value is held" },
      { name: "ref", value: "reference", description: "Where it is at its provider" },
      { name: "hosts", value: "hosts", list: true, description: "The only hosts that it may be sent to" },
      { name: "local", description: "Write to .keyzero.local.toml" },
    ],
    operands: { usage: "<NAME> [options]", min: 1, max: 1, excessHint: VALUES_HINT },
    changes: true,
    load: async () => (await import("./add.ts")).addCommand,
  },
  {
    name: "put",
    summary: "Store a secret's value with its provider",
    options: [
      ENV,
      { name: "missing", description: "Ask for each secret that is not found" },
      { name: "stdin", description: "Read the value from standard input" },
    ],
    operands: { usage: "<NAME> [--stdin] | --missing", min: 0, max: 1, excessHint: VALUES_HINT },
    changes: true,
    load: async () => (await import("./put.ts")).putCommand,
  },
  {
    name: "status",
    summary: "Show each secret and whether it can be found; never a value",
    options: [ENV, JSON_OUTPUT],
    operands: NONE,
    changes: false,
    load: async () => (await import("./status.ts")).statusCommand,
  },
  {
    name: "validate",
    summary: "Check the configuration of every environment",
    options: [JSON_OUTPUT],
    operands: NONE,
    changes: false,
    load: async () => (await import("./validate.ts")).validateCommand,
  },
  ...SERVER_COMMANDS,
  ...AUDIT_COMMANDS,
  ...JWT_COMMANDS,
  {
    name: "completion",
    summary: "Print a completion script for a shell",
    options: [],
    operands: { usage: "bash|zsh|fish", min: 1, max: 1, completes: ["bash", "zsh", "fish"] },
    changes: false,
    load: async () => (await import("./completion.ts")).completionCommand,
  },
  {
    name: "help",
    summary: "Show the help of a command",
    options: [],
    operands: { usage: "[command]", min: 0, max: 2 },
    changes: false,
    load: async () => (await import("./help.ts")).helpCommand,
  },
];
