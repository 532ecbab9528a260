/**
 * Runs a child as `kz run` does, for tests. The first argument is a JSON file; then the command.
 *
 * `redact` lists values that become `[redacted]`; `env` is added to PATH, TERM and HOME; `report` names a file for the end.
 */
import { AppError } from "../../../policy/error.ts";
import { runChild } from "../run_child.ts";
import type { EntrySetup } from "./child_fixture.ts";
import { exactScrubber } from "./exact_scrubber.ts";

const [file = "", command = "", ...args] = Deno.args;
const setup: EntrySetup = JSON.parse(Deno.readTextFileSync(file));
const environment: Record<string, string> = { ...setup.env };
for (const name of ["PATH", "TERM", "HOME"]) environment[name] ??= Deno.env.get(name) ?? "";
const values = setup.redact;
try {
  const end = await runChild({
    command,
    args,
    environment,
    ...(values === undefined ? {} : { redact: () => exactScrubber(values) }),
    warn: (line) => console.error(line),
  });
  if (setup.report !== undefined) Deno.writeTextFileSync(setup.report, JSON.stringify(end));
  Deno.exitCode = end.status;
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(`error[${error.code}]: ${error.message}`);
  for (const hint of error.hints) console.error(`hint: ${hint}`);
  Deno.exitCode = error.exitStatus;
}
