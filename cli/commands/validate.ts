import { checkConfig } from "../config/load.ts";
import type { Surroundings } from "../config/config_files.ts";
import { EXIT } from "../../policy/error.ts";
import { printable, reportErrors } from "../terminal/report_error.ts";
import { writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `kz validate`: every problem of every environment. */
export async function validateCommand(args: Arguments, around: Surroundings): Promise<number> {
  const { files, environments, problems } = await checkConfig(around);
  const valid = problems.length === 0;
  if (args.has("json")) {
    const list = problems.map(({ code, message, hints }) => ({ code, message, hints }));
    writeStdout(`${JSON.stringify({ valid, files, environments, problems: list }, null, 2)}\n`);
  } else if (valid) {
    const names = environments.length === 0 ? "" : `; environments: ${environments.join(", ")}`;
    writeStdout(`Valid: ${printable(files.join(", "))}${names}\n`);
  } else reportErrors(problems);
  return valid ? 0 : EXIT.config;
}
