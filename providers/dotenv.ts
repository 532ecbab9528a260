import type { SecretRef } from "../policy/secret_ref.ts";
import { type ParsedDotenv, parseDotenv } from "./dotenv_parse.ts";
import type { ProviderOptions } from "./options.ts";
import { splitDotenvRef } from "./path_ref.ts";
import type { Provider } from "./provider.ts";
import { readError } from "./provider_error.ts";
import { resolveEach } from "./resolve_each.ts";
import { readLimited } from "./read_limited.ts";

/** The longest dotenv file: far above any written by hand, and cheap to hold. */
const MAX_FILE_BYTES = 1_048_576;

/** Secrets in dotenv files; a reference is `path#KEY` with an absolute path. Read-only. */
export function createDotenvProvider(_options: ProviderOptions): Provider {
  return {
    async resolve(requests) {
      // Many keys of one file are read once; kept for this call only.
      const files = new Map<string, ParsedDotenv>();
      return await resolveEach(requests, async (ref) => {
        const secret = { provider: "dotenv", ref };
        const { path, key } = splitDotenvRef(ref);
        const parsed = files.get(path) ?? await readDotenv(path, secret);
        files.set(path, parsed);
        if ("problem" in parsed) {
          throw readError(
            { code: "PROVIDER_SOURCE_INVALID", ...secret },
            `line ${parsed.line} of the file ${parsed.problem}`,
            {
              hints: ["Write one KEY=VALUE a line, and quote a value that holds quotes, # or line breaks"],
            },
          );
        }
        const value = parsed.values.get(key);
        if (value === undefined) {
          throw readError({ code: "PROVIDER_SECRET_NOT_FOUND", ...secret }, "the file has no such key", {
            hints: ["Add the key to the file, or mark the secret as optional"],
          });
        }
        return new TextEncoder().encode(value);
      });
    },
    check: () => Promise.resolve(),
  };
}

async function readDotenv(path: string, secret: { provider: string; ref: SecretRef }): Promise<ParsedDotenv> {
  const bytes = await readLimited(path, MAX_FILE_BYTES, secret);
  try {
    return parseDotenv(new TextDecoder().decode(bytes));
  } finally {
    bytes.fill(0);
  }
}
