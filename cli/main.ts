import config from "../deno.json" with { type: "json" };
import { AppError } from "../policy/error.ts";
import type { CommandSpec } from "./commands/command.ts";
import { findCommand } from "./commands/find_command.ts";
import { exitStatusOf, reportErrors } from "./terminal/report_error.ts";
import { writeStderr, writeStdout } from "./terminal/write.ts";

/**
 * Runs one command.
 *
 * @param args As the shell gave them, without the program's name.
 * @returns The exit status. Errors are reported on standard error and never thrown.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const [name] = args;
    if (name === "--version" || name === "-V") {
      writeStdout(`kz ${config.version}\n`);
      return 0;
    }
    if (name === undefined || name === "--help" || name === "-h") return await showOverview(name !== undefined);
    const named = findCommand(args);
    if (named.kind === "command") return await run(named.spec, named.rest);
    return await showGroup(named.name, named.rest.includes("--help"));
  } catch (error) {
    // Ctrl-C at a question: nothing went wrong, and 130 is what a shell expects of it.
    if (error instanceof Error && error.name === "Cancelled") return 130;
    reportErrors([error]);
    return exitStatusOf(error);
  }
}

async function run(spec: CommandSpec, rest: readonly string[]): Promise<number> {
  const { parseArguments } = await import("./commands/arguments.ts");
  const args = parseArguments(spec, rest);
  if (args.help) {
    writeStdout((await import("./commands/help.ts")).commandHelp(spec));
    return 0;
  }
  if (spec.changes && Deno.env.get("KEYZERO_BLIND")) {
    throw new AppError(
      "DENIED_IN_BLIND_RUN",
      `Cannot run "kz ${spec.name}": this is a blind run, which may not change secrets`,
      {
        hints: ["Run it outside, in a shell of your own"],
      },
    );
  }
  const command = await spec.load();
  return await command(args, { cwd: workingDirectory(), getEnv: (name) => Deno.env.get(name) });
}

function workingDirectory(): string {
  try {
    return Deno.cwd();
  } catch (cause) {
    throw new AppError("CONFIG_UNREADABLE", "Cannot find the working directory: it may have been removed", { cause });
  }
}

async function showOverview(asked: boolean): Promise<number> {
  const { overview } = await import("./commands/help.ts");
  if (asked) writeStdout(overview());
  else writeStderr(overview());
  return asked ? 0 : 2;
}

/** A group alone is half a command. */
async function showGroup(name: string, asked: boolean): Promise<number> {
  const { groupHelp } = await import("./commands/help.ts");
  if (asked) writeStdout(groupHelp(name));
  else writeStderr(groupHelp(name));
  return asked ? 0 : 2;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
