import { AppError, EXIT } from "../../policy/error.ts";
import type { Bundle } from "../../policy/server/bundle.ts";
import type { Surroundings } from "../config/config_files.ts";
import { checkBundle } from "../server/bundle/check_bundle.ts";
import { printable, reportErrors } from "../terminal/report_error.ts";
import { writeStderr, writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `kz server check`: every problem of a bundle, and what its operator should look at again. */
export async function serverCheckCommand(args: Arguments, around: Surroundings): Promise<number> {
  const path = args.value("bundle");
  if (path === undefined) {
    throw new AppError("USAGE_INVALID", 'Cannot run "kz server check": --bundle is missing', {
      hints: ["Write: kz server check --bundle bundle.yaml"],
    });
  }
  const { label, bundle, problems, findWarnings } = await checkBundle(path, around);
  const warnings = await findWarnings();
  const counts = bundle === undefined ? undefined : countsOf(bundle);
  if (args.has("json")) {
    const list = problems.map(({ code, message, hints }) => ({ code, message, hints }));
    const about = warnings.map(({ message }) => message);
    const output = { valid: bundle !== undefined, file: label, ...counts, problems: list, warnings: about };
    writeStdout(`${JSON.stringify(output, null, 2)}\n`);
  } else if (counts === undefined) reportErrors(problems);
  else {
    writeStderr(warnings.map(({ message }) => `warning: ${printable(message)}\n`).join(""));
    const parts = Object.entries(counts).map(([nouns, count]) => `${count} ${count === 1 ? SINGULAR[nouns] : nouns}`);
    writeStdout(`Valid: ${printable(label)}: ${parts.join(", ")}\n`);
  }
  const refused = bundle === undefined || (args.has("strict") && warnings.length > 0);
  return refused ? EXIT.config : 0;
}

function countsOf({ issuers, policies, resources, backends }: Bundle): Readonly<Record<string, number>> {
  return {
    issuers: issuers.length,
    policies: policies.length,
    resources: resources.length,
    backends: backends.size,
  };
}

const SINGULAR: Readonly<Record<string, string>> = {
  issuers: "issuer",
  policies: "policy",
  resources: "resource",
  backends: "backend",
};
