import { resolve } from "node:path";
import { AppError } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import type { KzConfig, SecretDeclaration } from "../config/model.ts";
import { getProvider } from "../../providers/registry.ts";

/**
 * Lets the secrets of provider `keyzero` come from the server that the command line names, whatever their options say.
 *
 * @throws {AppError} `USAGE_INVALID`; the message never holds what was typed.
 */
export function atServer(
  config: KzConfig,
  { server, jwtFile }: { readonly server?: string; readonly jwtFile?: string },
  { cwd }: Pick<Surroundings, "cwd">,
): KzConfig {
  const named = {
    ...(server === undefined ? {} : { url: server }),
    ...(jwtFile === undefined ? {} : { jwt_file: resolve(cwd, jwtFile) }),
  };
  if (Object.keys(named).length === 0) return config;
  try {
    getProvider("keyzero").parseOptions(named);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError("USAGE_INVALID", "Cannot run: --server or --jwt-file is not what it takes", {
      hints: ["--server takes https://host:port, or http on this machine; --jwt-file takes a path"],
    });
  }
  const moved = (secret: SecretDeclaration): SecretDeclaration =>
    secret.kind === "provided" && secret.provider === "keyzero"
      ? { ...secret, options: { ...secret.options, ...named } }
      : secret;
  return { ...config, secrets: new Map(Array.from(config.secrets, ([name, secret]) => [name, moved(secret)])) };
}
