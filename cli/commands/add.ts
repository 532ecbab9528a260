import { dirname, join } from "node:path";
import { AppError } from "../../policy/error.ts";
import { parseHostGrant } from "../../policy/host_pattern.ts";
import { parseSecretName } from "../../policy/secret_name.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { findConfigFiles, type FoundFiles, labelOf, LOCAL_FILE, type Surroundings } from "../config/config_files.ts";
import { insertEntry } from "../config/insert_entry.ts";
import { isHarmlessKey } from "../config/key_path.ts";
import { checkRef, KNOWN_PROVIDERS } from "../config/known_providers.ts";
import { checkFiles, machineOf, notFound } from "../config/load.ts";
import { nearestName } from "../config/nearest.ts";
import type { ConfigFile } from "../config/problem.ts";
import { createFile, replaceFile } from "../config/replace_file.ts";
import { askLine } from "../terminal/ask.ts";
import { writeStderr } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";
import { pickProvider } from "./pick_provider.ts";

/** `kz add NAME`: one more line in a configuration file, and nothing else changed. */
export async function addCommand(args: Arguments, around: Surroundings): Promise<number> {
  const name = parseSecretName(args.operands[0]!);
  const environment = args.value("env");
  if (environment !== undefined && !isHarmlessKey(environment)) throw badEnvironment();
  const found = findConfigFiles(around);
  if (found.project === undefined) throw notFound();
  await throwFirstProblem(found, around);
  const local: ConfigFile | undefined = args.has("local")
    ? found.local ?? emptyLocal(found.project, around)
    : undefined;
  const file = local ?? found.project;
  const key = { table: environment === undefined ? ["secrets"] : [environment, "secrets"], key: name };
  // Before anything is asked: a name that is taken costs no answers.
  insertEntry(file.text, { ...key, value: '""' });
  const value = await entryText(name, args, { root: dirname(found.project.path), around });
  const edited: ConfigFile = { ...file, text: insertEntry(file.text, { ...key, value }) };
  await throwFirstProblem(local === undefined ? { ...found, project: edited } : { ...found, local: edited }, around);
  if (local !== undefined && found.local === undefined) await createFile(file.path, file.label, edited.text);
  else await replaceFile(file, edited.text);
  writeStderr(`Added ${name} to ${file.label}; "kz put ${name}" stores its value\n`);
  return 0;
}

async function entryText(
  name: string,
  args: Arguments,
  { root, around }: { root: string; around: Surroundings },
): Promise<string> {
  const asked = args.value("provider") === undefined || args.value("ref") === undefined;
  if (asked && !Deno.stdin.isTerminal()) {
    throw new AppError("USAGE_NO_TERMINAL", "Cannot ask for provider and reference: standard input is not a terminal", {
      hints: [`Give both: kz add ${name} --provider store --ref item-name`],
    });
  }
  const provider = args.value("provider") ?? await askLine("Provider", await pickProvider(root));
  requireProvider(provider);
  const ref = args.value("ref") ?? await askLine("Reference", name.toLowerCase().replaceAll("_", "-"));
  checkRef(provider, parseSecretRef(ref), machineOf(root, around));
  const hosts = args.list("hosts");
  for (const host of hosts ?? []) parseHostGrant(host);
  const list = hosts === undefined ? "" : `, hosts = [${hosts.map(quote).join(", ")}]`;
  return `{ provider = ${quote(provider)}, ref = ${quote(ref)}${list} }`;
}

function requireProvider(provider: string): void {
  if (KNOWN_PROVIDERS.includes(provider)) return;
  const near = nearestName(provider, KNOWN_PROVIDERS);
  throw new AppError("CONFIG_PROVIDER_UNKNOWN", "Cannot add secret: there is no such provider", {
    hints: [near === undefined ? `Use one of: ${KNOWN_PROVIDERS.join(", ")}` : `Did you mean "${near}"?`],
  });
}

/** A basic string of TOML, whose escapes are those of JSON; what is not is found when the edit is compared. */
function quote(text: string): string {
  return JSON.stringify(text);
}

async function throwFirstProblem(found: FoundFiles, around: Surroundings): Promise<void> {
  const [first] = (await checkFiles(found, around)).problems;
  if (first !== undefined) throw first;
}

function emptyLocal(project: ConfigFile, around: Surroundings): ConfigFile {
  const path = join(dirname(project.path), LOCAL_FILE);
  return { path, label: labelOf(path, around), text: "" };
}

function badEnvironment(): AppError {
  return new AppError(
    "CONFIG_NAME_INVALID",
    "Cannot read environment: letters, digits, underscores and hyphens are expected",
    {
      hints: ["Write for example --env production"],
    },
  );
}
