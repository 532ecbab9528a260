import { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import type { Surroundings } from "../../config/config_files.ts";
import { checkBundle } from "./check_bundle.ts";

/**
 * Reads a bundle, whole or not at all.
 *
 * @param path Relative to the working directory of `around`, or absolute.
 * @throws {AppError} The first thing that is wrong, with file, line and key; a hint says if there is more. Messages
 * never hold a value.
 */
export async function readBundle(path: string, around: Surroundings): Promise<Bundle> {
  const { bundle, problems: [first, ...others] } = await checkBundle(path, around);
  if (first !== undefined && others.length > 0) {
    throw new AppError(first.code, first.message, {
      hints: [...first.hints, 'Run "kz server check" to see all problems'],
    });
  }
  if (bundle === undefined) throw first ?? new TypeError("Cannot read bundle: it has neither content nor problem");
  return bundle;
}
