import { resolve } from "node:path";
import { AppError } from "../../policy/error.ts";
import type { Algorithm } from "../../policy/server/bundle.ts";
import type { Surroundings } from "../config/config_files.ts";
import { parseClaimText } from "../server/bundle/texts.ts";
import { createKeyFile } from "../server/identity/key_file.ts";
import { makeSigningKey, type NewKey, parseAlgorithm } from "../server/identity/signing_key.ts";
import { printable } from "../terminal/report_error.ts";
import { writeStderr, writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

const DEFAULT_ALGORITHM: Algorithm = "ES256";

/** `kz jwt keygen`: the private half goes to a file, the public one to standard output, as a bundle takes it. */
export async function jwtKeygenCommand(args: Arguments, around: Surroundings): Promise<number> {
  const out = args.value("out");
  if (out === undefined) {
    throw new AppError("USAGE_INVALID", 'Cannot run "kz jwt keygen": --out is missing', {
      hints: ["Write: kz jwt keygen --out key.pem"],
    });
  }
  const alg = args.value("alg");
  const algorithm = alg === undefined ? DEFAULT_ALGORITHM : parseAlgorithm(alg);
  const asked = args.value("kid");
  if (asked !== undefined) parseClaimText(asked, "USAGE_INVALID");
  const key = await makeSigningKey(algorithm);
  await createKeyFile(resolve(around.cwd, out), key.file);
  const what = key.publicPem === undefined ? "The shared secret" : "The private key";
  writeStderr(`${what} is in ${printable(out)}; whoever has it can sign. A bundle's issuer takes:\n`);
  writeStdout(snippet(key, { algorithm, kid: asked ?? key.thumbprint, path: out }));
  writeStderr(`Then: ${signCommand(algorithm, { path: out, kid: asked })} --issuer … --audience … --subject …\n`);
  return 0;
}

/** What a key says of itself to `kz jwt sign`; the rest has to be said. */
const BY_THEMSELVES: ReadonlySet<Algorithm> = new Set(["RS256", "ES256", "ES384", "EdDSA", "HS256"]);

function signCommand(algorithm: Algorithm, { path, kid }: { path: string; kid: string | undefined }): string {
  const words = ["kz", "jwt", "sign", "--key", path];
  if (!BY_THEMSELVES.has(algorithm)) words.push("--alg", algorithm);
  if (kid !== undefined) words.push("--kid", kid);
  return words.map((word) => /^[\w./:@=+-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", "'\\''")}'`).join(
    " ",
  );
}

/** YAML, in which JSON's texts are texts (YAML 1.2.2 §5.7). */
function snippet(
  { publicPem }: NewKey,
  { algorithm, kid, path }: { algorithm: Algorithm; kid: string | undefined; path: string },
): string {
  const lines = [`alg: ${algorithm}`, ...(kid === undefined ? [] : [`kid: ${JSON.stringify(kid)}`])];
  if (publicPem === undefined) lines.push(`secret_file: ${JSON.stringify(path)} # starts at the bundle`);
  else lines.push("pem: |", ...publicPem.trimEnd().split("\n").map((line) => `  ${line}`));
  return `static_keys:\n${lines.map((line, index) => `${index === 0 ? "  - " : "    "}${line}\n`).join("")}`;
}
