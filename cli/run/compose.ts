import type { SecretName } from "../../policy/secret_name.ts";
import type { KzConfig, SecretDeclaration } from "../config/model.ts";

/**
 * Makes the variables of the child: provided secrets as they are, composed ones put together.
 *
 * In blind mode the texts are masked ones, so that a composed secret is whole but for the tokens in it.
 *
 * @param texts What stands for each provided secret. One that is missing is an optional secret that was not found.
 * @returns Without a secret that is missing, or that has a missing one in it.
 */
export function composeVariables(
  exposed: readonly SecretDeclaration[],
  { config, texts }: { config: KzConfig; texts: ReadonlyMap<SecretName, string> },
): Record<string, string> {
  const textOf = (secret: SecretDeclaration): string | undefined => {
    if (secret.kind === "provided") return texts.get(secret.name);
    let text = "";
    for (const part of secret.parts) {
      const inner = typeof part === "string" ? part : textOf(config.secrets.get(part.secret)!);
      if (inner === undefined) return undefined;
      text += inner;
    }
    return text;
  };
  const variables: Record<string, string> = {};
  for (const secret of exposed) {
    const text = textOf(secret);
    if (text !== undefined) variables[secret.name] = text;
  }
  return variables;
}
