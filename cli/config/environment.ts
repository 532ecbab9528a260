import { AppError } from "../../policy/error.ts";
import { isHarmlessKey } from "./key_path.ts";
import { nearestName } from "./nearest.ts";

/** Looked at in this order; the first that is set and not empty counts. */
const VARIABLES = ["KEYZERO_ENV", "NODE_ENV", "RAILS_ENV", "APP_ENV"] as const;

/**
 * Chooses the environment whose sections apply.
 *
 * @param known The names that the configuration has sections for.
 * @param asked What `--env` says; absent: the environment variables decide.
 * @returns Undefined when no section applies.
 * @throws {AppError} `CONFIG_ENVIRONMENT_UNKNOWN` if `--env` or `KEYZERO_ENV` names one that has no section. A name from
 * the other variables is meant for other programs and may be unknown.
 */
export function chooseEnvironment(
  known: readonly string[],
  asked: string | undefined,
  getEnv: (name: string) => string | undefined,
): string | undefined {
  if (asked !== undefined) return required(asked, "--env", known);
  for (const variable of VARIABLES) {
    const name = getEnv(variable);
    if (!name) continue;
    if (variable === "KEYZERO_ENV") return required(name, variable, known);
    return known.includes(name) ? name : undefined;
  }
  return undefined;
}

function required(name: string, source: string, known: readonly string[]): string {
  if (known.includes(name)) return name;
  const shown = isHarmlessKey(name) ? ` "${name}"` : "";
  const near = nearestName(name, known);
  const list = known.length === 0
    ? 'Add a section such as "[production.secrets]"'
    : `The environments are: ${known.join(", ")}`;
  throw new AppError(
    "CONFIG_ENVIRONMENT_UNKNOWN",
    `Cannot choose environment${shown} of ${source}: the configuration has no section for it`,
    { hints: [near === undefined ? list : `Did you mean "${near}"?`] },
  );
}
