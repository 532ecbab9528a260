import { AppError } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { loadConfig } from "../config/load.ts";
import type { KzConfig } from "../config/model.ts";
import { runChild } from "../child/run_child.ts";
import { callerEnvironment } from "../run/caller_environment.ts";
import { composeVariables } from "../run/compose.ts";
import { fetchValues, redactorFor } from "../run/direct_mode.ts";
import { refusePlaceholders } from "../run/placeholders.ts";
import { atServer } from "../run/at_server.ts";
import { AppErrors } from "../run/resolve_selected.ts";
import { selectSecrets } from "../run/select_secrets.ts";
import { exitStatusOf, reportErrors } from "../terminal/report_error.ts";
import { writeStderr } from "../terminal/write.ts";

/** `kz run`, as the command line says it. */
export interface RunOptions {
  readonly env?: string;
  /** Absent: every secret. */
  readonly only?: readonly string[];
  readonly cleanEnv: boolean;
  readonly keepEnv: readonly string[];
  readonly redact: boolean;
  readonly blind: boolean;
  /** The team server that secrets of the provider `keyzero` come from; absent: as their options say. */
  readonly server?: string;
  /** The file with the JWT to show it; relative to the working directory. */
  readonly jwtFile?: string;
  /** The program and its arguments, as given. */
  readonly command: readonly string[];
}

/** Runs a program with secrets, or with tokens for them. @returns Its exit status, or ours if it was not started. */
export async function runCommand(options: RunOptions, around: Surroundings): Promise<number> {
  try {
    refuseContradictions(options);
    refuseInBlindRun(around);
    const config = atServer(await loadConfig(around, options.env), options, around);
    if (!options.blind) return await runDirect(options, config);
    const { runBlind } = await import("../blind/run_blind.ts");
    return await runBlind(options, config);
  } catch (error) {
    if (!(error instanceof AppErrors)) throw error;
    reportErrors(error.errors);
    return Math.max(...error.errors.map(exitStatusOf));
  }
}

function refuseContradictions({ blind, redact, cleanEnv, keepEnv }: RunOptions): void {
  const refuse = (state: string, hint: string) => {
    throw new AppError("USAGE_INVALID", `Cannot run: ${state}`, { hints: [hint] });
  };
  if (blind && redact) {
    refuse(
      "--redact and --blind exclude each other",
      "Leave --redact out: a blind program holds no value that it could print",
    );
  }
  if (blind && cleanEnv) refuse("--clean-env is part of --blind", "Leave --clean-env out");
  if (!blind && !cleanEnv && keepEnv.length > 0) {
    refuse("--keep-env keeps nothing here", "Add --clean-env or --blind; without them every variable is passed");
  }
}

/**
 * A program that holds tokens must not get at their values by asking us for them, nor for another proxy with rules of its
 * own making (TM-31).
 */
function refuseInBlindRun({ getEnv }: Surroundings): void {
  if (!getEnv("KEYZERO_BLIND")) return;
  throw new AppError("DENIED_IN_BLIND_RUN", "Cannot run: this is a blind run already", {
    hints: ["Start the program without kz: it inherits the tokens and the proxy of this run"],
  });
}

/** The values are in the child's environment only. */
async function runDirect(options: RunOptions, config: KzConfig): Promise<number> {
  const [command = "", ...args] = options.command;
  refusePlaceholders(args, config);
  const { exposed, provided } = selectSecrets(config, options.only);
  const values = await fetchValues(provided, config);
  const { passed, withheld } = await callerVariables(options);
  const warn = (line: string) => writeStderr(`${line}\n`);
  const end = await runChild({
    command,
    args,
    environment: { ...passed, ...composeVariables(exposed, { config, texts: values }) },
    ...(options.redact ? { redact: await redactorFor(values, warn) } : {}),
    warn,
  });
  if (withheld.length > 0) {
    const { lateHint } = await import("../child/late_hint.ts");
    const hint = lateHint(withheld, end);
    if (hint !== undefined) warn(`hint: ${hint}`);
  }
  return end.status;
}

async function callerVariables(
  { cleanEnv, keepEnv }: RunOptions,
): Promise<{ passed: Readonly<Record<string, string>>; withheld: readonly string[] }> {
  const caller = callerEnvironment();
  if (!cleanEnv) return { passed: caller, withheld: [] };
  const { inheritedEnvironment } = await import("../blind_environment/inherited.ts");
  return inheritedEnvironment(caller, keepEnv, { mode: "direct", caseSensitive: Deno.build.os !== "windows" });
}
