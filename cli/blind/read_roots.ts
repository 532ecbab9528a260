import { AppError } from "../../policy/error.ts";

/** RFC 7468 §5.1 */
const CERTIFICATE_REGEXP = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads the trusted roots of `[blind] upstream_ca`.
 *
 * @param files Absolute paths of PEM files.
 * @returns Their texts.
 * @throws {AppError} `CONFIG_UPSTREAM_CA_INVALID` for a file that cannot be read or holds no certificate: a root that
 * was named and is not there stops the run.
 */
export async function readRoots(files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return [];
  const { X509Certificate } = await import("node:crypto");
  return await Promise.all(files.map(async (file) => {
    let text: string;
    try {
      text = await Deno.readTextFile(file);
    } catch (cause) {
      throw invalid(file, "it cannot be read", cause);
    }
    const certificates = text.match(CERTIFICATE_REGEXP) ?? [];
    if (certificates.length === 0) throw invalid(file, "it holds no certificate in PEM form");
    // One that cannot be read would make every host of the run look untrusted.
    for (const [index, certificate] of certificates.entries()) {
      try {
        new X509Certificate(certificate);
      } catch (cause) {
        throw invalid(file, `certificate ${index + 1} of ${certificates.length} in it cannot be read`, cause);
      }
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
