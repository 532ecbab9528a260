import { type AppError, EXIT } from "../../policy/error.ts";
import type { HostGrant } from "../../policy/host_pattern.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import type { Surroundings } from "../config/config_files.ts";
import { namesIn } from "../config/composition.ts";
import { loadConfig } from "../config/load.ts";
import type { KzConfig, SecretDeclaration } from "../config/model.ts";
import { resolveAll } from "../resolve/resolve_all.ts";
import { printable, reportErrors } from "../terminal/report_error.ts";
import { writeStderr, writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `unset`: it is optional and was not found. `failed`: whether it is there could not be told. */
type State = "found" | "missing" | "unset" | "failed";

interface Row {
  readonly declaration: SecretDeclaration;
  readonly state: State;
  readonly error: AppError | undefined;
}

/** `kz status`: each secret and whether it can be found. Values stay unread on their ports. */
export async function statusCommand(args: Arguments, around: Surroundings): Promise<number> {
  const config = await loadConfig(around, args.value("env"));
  const rows = await statusRows(config);
  if (args.has("json")) writeStdout(`${JSON.stringify(asJson(config, rows), null, 2)}\n`);
  else {
    writeStderr(config.environment === undefined ? "" : `Environment: ${config.environment}\n`);
    writeStdout(asTable(rows));
    const errors = rows.filter(({ state }) => state === "missing" || state === "failed").map(({ error }) => error);
    const distinct = new Map(errors.filter((error) => error !== undefined).map((error) => [error.message, error]));
    if (distinct.size > 0) reportErrors([...distinct.values()]);
  }
  return rows.some(({ state }) => state === "missing" || state === "failed") ? EXIT.provider : 0;
}

async function statusRows(config: KzConfig): Promise<readonly Row[]> {
  const provided = [...config.secrets.values()].filter((secret) => secret.kind === "provided");
  const wanted = provided.map(({ name, provider, ref, options }) => ({ id: name, provider, ref, options }));
  using outcome = await resolveAll(wanted, config.providers, { root: config.root });
  const errors = new Map(outcome.failed.map(({ id, error }) => [id, error]));
  const states = new Map<SecretName, State>();
  for (const { name, optional } of provided) states.set(name, stateOf(errors.get(name), optional));
  return [...config.secrets.values()].map((declaration) => ({
    declaration,
    state: composedState(declaration.name, config, states),
    error: errors.get(declaration.name),
  }));
}

function stateOf(error: AppError | undefined, optional: boolean): State {
  if (error === undefined) return "found";
  if (error.code !== "PROVIDER_SECRET_NOT_FOUND") return "failed";
  return optional ? "unset" : "missing";
}

/** A composed secret is as well off as the worst of its parts. Each is looked at once. */
function composedState(name: SecretName, config: KzConfig, states: Map<SecretName, State>): State {
  const known = states.get(name);
  const declaration = config.secrets.get(name);
  if (known !== undefined || declaration?.kind !== "composed") return known ?? "failed";
  const parts = new Set(namesIn(declaration.parts).map((part) => composedState(part, config, states)));
  const state = (["failed", "missing", "unset"] as const).find((worst) => parts.has(worst)) ?? "found";
  states.set(name, state);
  return state;
}

function asTable(rows: readonly Row[]): string {
  const cells = rows.map(({ declaration, state }) => {
    if (declaration.kind === "composed") {
      return [declaration.name, "composed", namesIn(declaration.parts).join(", "), "as its parts", state];
    }
    const { name, provider, ref, hosts } = declaration;
    return [
      name,
      provider,
      ref,
      hosts === undefined ? "by the rules" : hosts.map(showGrant).join(", ") || "none",
      state,
    ];
  });
  const all = [["NAME", "PROVIDER", "REF", "HOSTS", "STATE"], ...cells.map((row) => row.map(printable))];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()}\n`).join("");
}

function asJson(config: KzConfig, rows: readonly Row[]): unknown {
  const secrets = rows.map(({ declaration, state, error }) => ({
    name: declaration.name,
    ...(declaration.kind === "composed" ? { composedOf: namesIn(declaration.parts) } : {
      provider: declaration.provider,
      ref: declaration.ref,
      hosts: declaration.hosts?.map(showGrant) ?? null,
      optional: declaration.optional,
      expose: declaration.expose,
    }),
    state,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hints: error.hints } }),
  }));
  return { environment: config.environment ?? null, secrets };
}

/** The inverse of `parseHostGrant()`. */
function showGrant({ pattern, port, pathPrefix }: HostGrant): string {
  const host = pattern.kind === "exact" ? pattern.host : `*.${pattern.suffix}`;
  return `${host}${port === undefined ? "" : `:${port}`}${pathPrefix ?? ""}`;
}
