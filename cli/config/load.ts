import { dirname } from "node:path";
import { AppError } from "../../policy/error.ts";
import type { ServiceName } from "../../policy/service_name.ts";
import type { Service } from "../../policy/services.ts";
import type { Machine } from "../../providers/machine.ts";
import { type ConfigDocument, DOCUMENT, USER_DOCUMENT } from "./document.ts";
import { chooseEnvironment } from "./environment.ts";
import { type Fault, faultOf, type Field } from "./field.ts";
import { findConfigFiles, type FoundFiles, type Surroundings } from "./config_files.ts";
import { type Layer, type Merged, mergeLayers, wildcards } from "./merge.ts";
import type { KzConfig } from "./model.ts";
import { parseToml } from "./parse_toml.ts";
import { type ConfigFile, type Problem, problemError } from "./problem.ts";

/**
 * Reads the configuration for one environment.
 *
 * @param environment What `--env` says.
 * @throws {AppError} The first thing that is wrong, with file, line and key; a hint says if there is more. Messages
 * never hold a value.
 */
export async function loadConfig(around: Surroundings, environment?: string): Promise<KzConfig> {
  const found = findConfigFiles(around);
  const { project } = found;
  if (project === undefined) throw notFound();
  const read = readDocuments(found);
  await throwFirst(await documentProblems(read));
  const chosen = chooseEnvironment(read.environments, environment, around.getEnv);
  const machine = machineOf(dirname(project.path), around);
  const merged = mergeLayers(layersOf(read, chosen), { machine, getService: await serviceFinder(read) });
  await throwFirst(merged.problems);
  return configOf(read, { root: dirname(project.path), environment: chosen, merged });
}

/** What `kz validate` tells: everything that is wrong, in every environment. */
export interface ConfigCheck {
  /** As they are shown, in the order in which they override. */
  readonly files: readonly string[];
  readonly environments: readonly string[];
  readonly problems: readonly AppError[];
}

/**
 * Checks the configuration for every environment, without asking any provider.
 *
 * @throws {AppError} `CONFIG_NOT_FOUND`; whatever is wrong inside the files is in the result.
 */
export async function checkConfig(around: Surroundings): Promise<ConfigCheck> {
  let found: FoundFiles;
  try {
    found = findConfigFiles(around);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { files: [], environments: [], problems: [error] };
  }
  return await checkFiles(found, around);
}

/** The same for files that are read already, as they are or as they would be. */
export async function checkFiles(found: FoundFiles, around: Surroundings): Promise<ConfigCheck> {
  const { project } = found;
  if (project === undefined) throw notFound();
  const read = readDocuments(found, { keepGoing: true });
  const problems = [...await documentProblems(read)];
  const context = { machine: machineOf(dirname(project.path), around), getService: await serviceFinder(read) };
  for (const name of [undefined, ...read.environments]) {
    problems.push(...mergeLayers(layersOf(read, name), context).problems);
  }
  // What is wrong in the default is wrong in each environment too.
  const errors = new Map<string, AppError>(read.unparsed.map((error) => [error.message, error]));
  for (const problem of problems) {
    const error = await problemError(problem);
    errors.set(error.message, error);
  }
  const files = filesOf(found).map(({ label }) => label);
  return { files, environments: read.environments, problems: [...errors.values()] };
}

/** @param root The directory of `.keyzero.toml`. */
export function machineOf(root: string, { getEnv }: Surroundings): Machine {
  return { os: Deno.build.os, root, env: (name) => getEnv(name) || undefined };
}

/** There is no `.keyzero.toml`. */
export function notFound(): AppError {
  return new AppError(
    "CONFIG_NOT_FOUND",
    "Cannot find .keyzero.toml: neither the working directory nor one above it has it",
    { hints: ['Run "kz init" to make one here'] },
  );
}

interface ReadDocument {
  readonly file: ConfigFile;
  readonly document: ConfigDocument;
}
interface ReadFiles {
  readonly documents: readonly ReadDocument[];
  readonly environments: readonly string[];
  readonly problems: readonly Problem[];
  /** Files that are not TOML. */
  readonly unparsed: readonly AppError[];
}

function filesOf({ user, project, local }: FoundFiles): readonly ConfigFile[] {
  return [user, project, local].filter((file) => file !== undefined);
}

function readDocuments(found: FoundFiles, { keepGoing = false } = {}): ReadFiles {
  const problems: Problem[] = [];
  const unparsed: AppError[] = [];
  const documents: ReadDocument[] = [];
  for (const file of filesOf(found)) {
    const field: Field<ConfigDocument> = file === found.user ? USER_DOCUMENT : DOCUMENT;
    try {
      const document = field.read(
        parseToml(file),
        [],
        (path, fault) => problems.push({ place: { file, path }, fault }),
      );
      if (document !== undefined) documents.push({ file, document });
    } catch (error) {
      if (!keepGoing || !(error instanceof AppError)) throw error;
      unparsed.push(error);
    }
  }
  const environments = [...new Set(documents.flatMap(({ document }) => [...document.environments.keys()]))];
  return { documents, environments, problems, unparsed };
}

/** The defaults of every file, then the environment's sections of every file. */
function layersOf({ documents }: ReadFiles, environment: string | undefined): readonly Layer[] {
  const base = documents.map(({ file, document }) => ({ file, at: [], section: document.base }));
  const special = documents.flatMap(({ file, document }) => {
    const section = environment === undefined ? undefined : document.environments.get(environment);
    return section === undefined ? [] : [{ file, at: [environment!], section }];
  });
  return [...base, ...special];
}

/** Finds services by name. The catalogue is loaded only where a secret names one: start-up counts. */
async function serviceFinder(read: ReadFiles): Promise<(name: ServiceName) => Service> {
  const named = allLayers(read).some(({ section }) =>
    [...section.secrets?.values() ?? []].some((entry) =>
      entry.kind === "provided" && entry.fields.service !== undefined
    )
  );
  if (named) return (await import("../../policy/services.ts")).getService;
  return (name) => {
    throw new TypeError(`Cannot find service "${name}": the catalogue is not loaded`);
  };
}

/** The sections of every environment too. */
function allLayers(read: ReadFiles): readonly Layer[] {
  const layers = [...layersOf(read, undefined)];
  for (const { file, document } of read.documents) {
    for (const [name, section] of document.environments) layers.push({ file, at: [name], section });
  }
  return layers;
}

async function documentProblems(read: ReadFiles): Promise<readonly Problem[]> {
  const layers = allLayers(read);
  return [...read.problems, ...await wideWildcards(layers), ...await badExpressions(layers)];
}

async function wideWildcards(layers: readonly Layer[]): Promise<readonly Problem[]> {
  const all = layers.flatMap((layer) => [...wildcards(layer)]);
  if (all.length === 0) return [];
  // The list of public suffixes is large, and few configurations need it.
  const { isPublicSuffix } = await import("../../policy/public_suffix.ts");
  const fault: Fault = {
    code: "CONFIG_HOST_INVALID",
    state: "anyone can register a name below this wildcard",
    hints: ["Write a wildcard below a name of one owner, or each host by itself"],
  };
  return all.filter(({ suffix }) => isPublicSuffix(suffix)).map(({ place }) => ({ place, fault }));
}

/** Host expressions that the proxy would not read. */
async function badExpressions(layers: readonly Layer[]): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const { file, at, section } of layers) {
    for (const rule of section.blind?.connections ?? []) {
      if (rule.host.kind !== "regexp") continue;
      const { hostMatcher } = await import("../../proxy/host_matcher.ts");
      try {
        await hostMatcher([rule]);
      } catch (error) {
        const path = [...at, "blind", "connections", rule.number - 1, "host"];
        problems.push({ place: { file, path }, fault: faultOf(error) });
      }
    }
  }
  return problems;
}

async function throwFirst(problems: readonly Problem[]): Promise<void> {
  const [first, ...others] = problems;
  if (first === undefined) return;
  const error = await problemError(first);
  if (others.length === 0) throw error;
  throw new AppError(error.code, error.message, {
    hints: [...error.hints, 'Run "kz validate" to see all problems'],
  });
}

function configOf(
  read: ReadFiles,
  { root, environment, merged }: { root: string; environment: string | undefined; merged: Merged },
): KzConfig {
  const { secrets, providers, blind } = merged;
  return { files: read.documents.map(({ file }) => file.path), root, environment, secrets, providers, blind };
}
