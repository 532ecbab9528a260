import type { AppError } from "../../policy/error.ts";
import type { KzConfig, ProvidedSecret } from "../config/model.ts";
import { resolveAll, type ResolveOutcome, type WantedSecret } from "../resolve/resolve_all.ts";

/** Several things that went wrong at once; each is reported. */
export class AppErrors extends Error {
  override readonly name = "AppErrors";
  readonly errors: readonly AppError[];

  constructor(errors: readonly AppError[]) {
    super("Cannot go on: several errors occurred");
    this.errors = errors;
  }
}

/**
 * Resolves the secrets of a run, all at once.
 *
 * @param extra What goes with them, and is no secret of the program.
 * @returns The values' ports, still unread; an optional secret may be missing.
 * @throws {AppErrors} with every failure, none hidden by another.
 */
export async function resolveSelected(
  provided: readonly ProvidedSecret[],
  config: KzConfig,
  extra: readonly WantedSecret[] = [],
): Promise<ResolveOutcome> {
  const wanted = provided.map(({ name, provider, ref, options }) => ({ id: name, provider, ref, options }));
  const outcome = await resolveAll([...wanted, ...extra], config.providers, { root: config.root });
  const optional = new Set<string>(provided.filter((secret) => secret.optional).map(({ name }) => name));
  // Only a miss is what "optional" allows; a keychain that does not answer is still an error.
  const failed = outcome.failed.filter(({ id, error }) =>
    !(optional.has(id) && error.code === "PROVIDER_SECRET_NOT_FOUND")
  );
  if (failed.length === 0) return outcome;
  outcome[Symbol.dispose]();
  // What goes with secrets fails with them, of which one is told.
  const own = failed.filter(({ id }) => !extra.some((value) => value.id === id));
  throw new AppErrors((own.length > 0 ? own : failed).map(({ error }) => error));
}
