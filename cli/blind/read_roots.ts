import { AppError } from "../../policy/error.ts";

/**
 * Reads the trusted roots of `[blind] upstream_ca`.
 *
 * @param files Absolute paths of PEM files.
 * @returns Their texts.
 * @throws {AppError} `CONFIG_UPSTREAM_CA_INVALID` for a file that cannot be read or holds no certificate: a root that
 * was named and is not there stops the run.
 */
export async function readRoots(files: readonly string[]): Promise<string[]> {
  return await Promise.all(files.map(async (file) => {
    let text: string;
    try {
      text = await Deno.readTextFile(file);
    } catch (cause) {
      throw invalid(file, "it cannot be read", cause);
    }
    if (!/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(text)) {
      throw invalid(file, "it holds no certificate in PEM form");
    }
    return text;
  }));
}

function invalid(file: string, state: string, cause?: unknown): AppError {
  return new AppError("CONFIG_UPSTREAM_CA_INVALID", `Cannot use upstream_ca "${file}": ${state}`, {
    hints: ["Name a PEM file with the certificates of the roots to trust"],
    ...(cause === undefined ? {} : { cause }),
  });
}
