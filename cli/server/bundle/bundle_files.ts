import { isAbsolute, join } from "node:path";
import { AppError } from "../../../policy/error.ts";
import type { Algorithm, Issuer, StaticKey } from "../../../policy/server/bundle.ts";
import { readRoots } from "../../blind/read_roots.ts";
import { type Fault, faultOf, type Report } from "../../config/field.ts";
import { systemState } from "../../config/system_error.ts";
import type { IssuerDraft } from "./issuer_fields.ts";
import type { StaticKeyDraft } from "./static_key_fields.ts";

/** RFC 7518 §3.2: a key at least as long as the hash. */
const MIN_SECRET_BYTES: Partial<Record<Algorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 };
/** Far longer than any hash uses; what is larger was named by mistake. */
const MAX_SECRET_BYTES = 4096;
/** The roots of the whole web are a quarter of this. */
const MAX_ROOTS_BYTES = 1024 * 1024;

/**
 * Reads the secrets that issuers' keys name.
 *
 * @param root Where relative paths start: the directory of the bundle. Absolute.
 * @returns The issuers without the keys that are reported.
 */
export function readIssuerSecrets(issuers: readonly IssuerDraft[], root: string, report: Report): readonly Issuer[] {
  return issuers.map((issuer, i) => {
    if (issuer.keys.kind === "jwks") return { ...issuer, keys: issuer.keys };
    const keys = issuer.keys.keys.flatMap((key, j) => {
      try {
        return [withSecret(key, root)];
      } catch (error) {
        report(["issuers", i, "static_keys", j, "secret_file"], faultOf(error));
        return [];
      }
    });
    return { ...issuer, keys: { kind: "static", keys } };
  });
}

/** @throws {AppError} */
function withSecret({ kid, alg, material }: StaticKeyDraft, root: string): StaticKey {
  if (material.kind !== "secret-file") return { kid, alg, material };
  const bytes = withoutLineBreak(readSmallFile(fromRoot(material.path, root), MAX_SECRET_BYTES));
  const least = MIN_SECRET_BYTES[alg] ?? MAX_SECRET_BYTES;
  if (bytes.length < least) {
    throw new AppError("BUNDLE_KEY_INVALID", `Cannot read key: "${alg}" needs a secret of at least ${least} bytes`, {
      hints: [`Make one with: openssl rand -hex ${least}`],
    });
  }
  return { kid, alg, material: { kind: "secret", bytes } };
}

/** One line break at the end is the editor's and not the secret's, as with the provider `file`. */
function withoutLineBreak(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) !== 0x0a ? bytes.length : bytes.at(-2) === 0x0d ? bytes.length - 2 : bytes.length - 1;
  return bytes.slice(0, end);
}

/** @throws {AppError} `CONFIG_UNREADABLE` for what is no regular file, is too large or cannot be read. */
function readSmallFile(path: string, maxBytes: number): Uint8Array {
  checkRegular(path, maxBytes);
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw unreadable(systemState(error));
  }
}

/** Before it is opened: opening a pipe would wait for a writer. */
function checkRegular(path: string, maxBytes: number): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    throw unreadable(error instanceof Deno.errors.NotFound ? "there is no such file" : systemState(error));
  }
  if (!info.isFile) throw unreadable("it is not a regular file");
  if (info.size > maxBytes) throw unreadable(`it is larger than ${maxBytes} bytes`);
}

function unreadable(state: string): AppError {
  return new AppError("CONFIG_UNREADABLE", `Cannot read file: ${state}`);
}

/**
 * Reads the trusted roots of `network.upstream_ca`.
 *
 * @param raw As it stands in the file: a list, or one path alone.
 * @returns PEM texts.
 */
export async function readUpstreamRoots(
  paths: readonly string[],
  { root, raw }: { root: string; raw: unknown },
  report: Report,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const [index, path] of paths.entries()) {
    const file = fromRoot(path, root);
    try {
      checkRegular(file, MAX_ROOTS_BYTES);
      texts.push(...await readRoots([file]));
    } catch (error) {
      report(["network", "upstream_ca", ...(Array.isArray(raw) ? [index] : [])], withoutPath(error));
    }
  }
  return texts;
}

/** What was written as a path may be a pasted certificate or worse, so it is told by its place. */
function withoutPath(error: unknown): Fault {
  if (!(error instanceof AppError)) throw error;
  const state = error.message.slice(error.message.lastIndexOf('": ') + 3);
  return error.message.includes('": ') ? { code: error.code, state, hints: error.hints } : faultOf(error);
}

function fromRoot(path: string, root: string): string {
  return isAbsolute(path) ? path : join(root, path);
}
