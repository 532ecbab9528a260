import { AppError, EXIT } from "../../policy/error.ts";
import { getProvider } from "../../providers/registry.ts";
import type { Surroundings } from "../config/config_files.ts";
import { loadConfig } from "../config/load.ts";
import type { KzConfig, ProvidedSecret } from "../config/model.ts";
import { nearestName } from "../config/nearest.ts";
import { putSecret } from "../resolve/put_secret.ts";
import { resolveAll } from "../resolve/resolve_all.ts";
import { askSecret, readSecretFromStdin } from "../terminal/ask.ts";
import { printable, reportErrors } from "../terminal/report_error.ts";
import { writeStderr } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `kz put NAME [--stdin]` and `kz put --missing` */
export async function putCommand(args: Arguments, around: Surroundings): Promise<number> {
  const [name] = args.operands;
  if ((name === undefined) !== args.has("missing") || (args.has("missing") && args.has("stdin"))) {
    throw new AppError("USAGE_INVALID", 'Cannot run "kz put": either one name or --missing is expected', {
      hints: ['Write "kz put NAME", "kz put NAME --stdin" or "kz put --missing"'],
    });
  }
  if (args.has("stdin") && Deno.stdin.isTerminal()) {
    throw new AppError("USAGE_INPUT_INVALID", "Cannot read value: standard input is a terminal, which would show it", {
      hints: ["Leave --stdin out to be asked for it without echo"],
    });
  }
  const config = await loadConfig(around, args.value("env"));
  if (name === undefined) return await putMissing(config);
  const secret = findSecret(config, name);
  requireWritable(secret);
  await store(secret, config, args.has("stdin") ? await readSecretFromStdin() : await ask(secret));
  return 0;
}

/** @throws {AppError} `CONFIG_SECRET_UNKNOWN`; the message never holds `name`, which may be a value in the wrong place. */
function findSecret(config: KzConfig, name: string): ProvidedSecret {
  const secret = [...config.secrets.values()].find((declared) => declared.name === name);
  if (secret?.kind === "provided") return secret;
  if (secret !== undefined) {
    throw new AppError("CONFIG_SECRET_UNKNOWN", `Cannot store ${secret.name}: it is composed of other secrets`, {
      hints: ["Store the secrets that it names"],
    });
  }
  const near = nearestName(name, config.secrets.keys());
  throw new AppError("CONFIG_SECRET_UNKNOWN", "Cannot store secret: none of that name is declared", {
    hints: [near === undefined ? 'Declare it with "kz add NAME" first' : `Did you mean "${near}"?`],
  });
}

function requireWritable(secret: ProvidedSecret): void {
  if (getProvider(secret.provider).writable) return;
  throw new AppError(
    "PROVIDER_READ_ONLY",
    `Cannot store ${secret.name}: its provider "${secret.provider}" can only be read`,
    {
      hints: ["Put the value there by other means, or declare another provider"],
    },
  );
}

/** Asks for one secret after another; what is stored stays stored if a later one fails. */
async function putMissing(config: KzConfig): Promise<number> {
  const problems: AppError[] = [];
  const missing = await findMissing(config, problems);
  let stored = 0;
  for (const secret of missing) {
    try {
      requireWritable(secret);
      await store(secret, config, await ask(secret));
      stored++;
    } catch (error) {
      // What concerns this secret alone does not keep the others from being stored.
      if (!(error instanceof AppError) || error.kind !== "provider") throw error;
      problems.push(error);
    }
  }
  if (stored === 0 && problems.length === 0) writeStderr("Nothing is missing\n");
  if (problems.length > 0) reportErrors(problems);
  return problems.length > 0 ? EXIT.provider : 0;
}

async function findMissing(config: KzConfig, problems: AppError[]): Promise<readonly ProvidedSecret[]> {
  const provided = [...config.secrets.values()].filter((secret) => secret.kind === "provided");
  const wanted = provided.map(({ name, provider, ref, options }) => ({ id: name, provider, ref, options }));
  using outcome = await resolveAll(wanted, config.providers, { root: config.root });
  const places = new Map<string, ProvidedSecret>();
  for (const { id, provider, ref, error } of outcome.failed) {
    const secret = provided.find(({ name }) => name === id);
    // Two names for one place are asked for once.
    const place = JSON.stringify([provider, ref, secret?.options]);
    if (error.code !== "PROVIDER_SECRET_NOT_FOUND") problems.push(error);
    else if (secret !== undefined && !places.has(place)) places.set(place, secret);
  }
  return [...places.values()];
}

function ask(secret: ProvidedSecret): Promise<Uint8Array<ArrayBuffer>> {
  return askSecret(`Enter value for ${secret.name} (${whereOf(secret)}): `, [
    `Pipe the value: kz put ${secret.name} --stdin < file`,
  ]);
}

async function store(secret: ProvidedSecret, config: KzConfig, bytes: Uint8Array): Promise<void> {
  const { provider, ref, options } = secret;
  await putSecret({ provider, ref, bytes }, new Map([[provider, options]]), { root: config.root });
  writeStderr(`Stored ${secret.name} (${printable(whereOf(secret))})\n`);
}

function whereOf({ provider, ref }: ProvidedSecret): string {
  return `provider: ${provider}, ref: ${ref}`;
}
