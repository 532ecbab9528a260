import { parseDotenv } from "./dotenv_parse.ts";
import type { ProviderOptions } from "./options.ts";
import { splitDotenvRef } from "./path_ref.ts";
import type { Provider } from "./provider.ts";
import { readError, resolveEach } from "./provider_error.ts";
import { readLimited } from "./read_limited.ts";

/** The longest dotenv file: far above any written by hand, and cheap to hold. */
const MAX_FILE_BYTES = 1_048_576;

/** Secrets in dotenv files; a reference is `path#KEY` with an absolute path. Read-only. */
export function createDotenvProvider(_options: ProviderOptions): Provider {
  return {
    resolve: (requests) =>
      resolveEach(requests, async (ref) => {
        const secret = { provider: "dotenv", ref };
        const { path, key } = splitDotenvRef(ref);
        const bytes = await readLimited(path, MAX_FILE_BYTES, secret);
        const parsed = parseDotenv(new TextDecoder().decode(bytes));
        bytes.fill(0);
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
      }),
    check: () => Promise.resolve(),
  };
}
