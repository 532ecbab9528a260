import { isAbsolute, join, normalize } from "node:path";
import { AppError } from "../policy/error.ts";
import { parseSecretRef, type SecretRef } from "../policy/secret_ref.ts";
import { homeOf, type Machine } from "./machine.ts";

/**
 * Makes a path absolute: `~/` is the home directory, and a relative path starts at the configuration's root.
 *
 * A relative path stays below the root (TM-28): what is elsewhere is named outright, where a reader sees it.
 *
 * @throws {AppError} `CONFIG_REF_INVALID` if the path has a `..`, or names the home directory and there is none.
 */
export function absolutePath(path: string, machine: Machine): string {
  if (path.split(/[/\\]/).includes("..")) {
    throw new AppError("CONFIG_REF_INVALID", 'Cannot read path: it climbs up with ".."', {
      hints: ["Write an absolute path, or one that starts at the home directory with ~/"],
    });
  }
  if (path !== "~" && !path.startsWith("~/")) return isAbsolute(path) ? normalize(path) : join(machine.root, path);
  const home = homeOf(machine);
  if (home !== undefined && isAbsolute(home)) return join(home, path.slice(1));
  throw new AppError("CONFIG_REF_INVALID", "Cannot read path: it starts at the home directory, which is not known", {
    hints: ["Set HOME to an absolute path, or write an absolute path"],
  });
}

/** Reads a `file` reference into the same with an absolute path. */
export function parseFileRef(ref: SecretRef, machine: Machine): SecretRef {
  return parseSecretRef(absolutePath(ref, machine));
}

/**
 * Reads a `dotenv` reference, `path#KEY`, into the same with an absolute path.
 *
 * @throws {AppError} `CONFIG_REF_INVALID` if the path or the key is missing; the message never holds `ref`.
 */
export function parseDotenvRef(ref: SecretRef, machine: Machine): SecretRef {
  const { path, key } = splitDotenvRef(ref);
  return parseSecretRef(`${absolutePath(path, machine)}#${key}`);
}

/** The two halves of `path#KEY`; the last `#` divides them. */
export function splitDotenvRef(ref: SecretRef): { path: string; key: string } {
  const match = /^(?<path>.+)#(?<key>[A-Za-z_][A-Za-z0-9_]*)$/.exec(ref);
  if (match?.groups === undefined) {
    throw new AppError("CONFIG_REF_INVALID", 'Cannot read reference of provider "dotenv": "path#KEY" is expected', {
      hints: ['Write the file and the key in it, for example ".env#API_KEY"'],
    });
  }
  return { path: match.groups.path!, key: match.groups.key! };
}
