import { AppError } from "../../policy/error.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import type { KzConfig, ProvidedSecret, SecretDeclaration } from "../config/model.ts";
import { nearestName } from "../config/nearest.ts";

/** The secrets of one run. */
export interface SelectedSecrets {
  /** What the child's environment gets. */
  readonly exposed: readonly SecretDeclaration[];
  /** What has to be resolved for that. */
  readonly provided: readonly ProvidedSecret[];
}

/**
 * Picks the secrets of a run.
 *
 * @param only Names of `--only`; undefined: all. A secret with `expose = false` is taken for composition only.
 * @throws {AppError} `CONFIG_SECRET_UNKNOWN`; the message never holds the name, which may be a value in the wrong place.
 */
export function selectSecrets(config: KzConfig, only: readonly string[] | undefined): SelectedSecrets {
  const declared = new Map<string, SecretDeclaration>(config.secrets);
  const chosen = only === undefined ? [...declared.values()] : only.map((name) => {
    const secret = declared.get(name);
    if (secret !== undefined) return secret;
    const near = nearestName(name, config.secrets.keys());
    throw new AppError("CONFIG_SECRET_UNKNOWN", "Cannot run: --only names a secret that is not declared", {
      hints: [near === undefined ? 'See "kz status" for the names' : `Did you mean "${near}"?`],
    });
  });
  const provided = new Map<SecretName, ProvidedSecret>();
  const need = (secret: SecretDeclaration): void => {
    if (secret.kind === "provided") provided.set(secret.name, secret);
    else {
      for (const part of secret.parts) {
        const inner = typeof part === "string" ? undefined : config.secrets.get(part.secret);
        if (inner !== undefined) need(inner);
      }
    }
  };
  const exposed = [...new Set(chosen)].filter((secret) => secret.kind === "composed" || secret.expose);
  exposed.forEach(need);
  return { exposed, provided: [...provided.values()] };
}
