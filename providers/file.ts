import type { ProviderOptions } from "./options.ts";
import type { Provider } from "./provider.ts";
import { resolveEach } from "./resolve_each.ts";
import { readLimited } from "./read_limited.ts";
import { MAX_VALUE_BYTES } from "./value.ts";

/** Room for the line break that is taken off. */
const LINE_BREAK_BYTES = 2;

/**
 * Secrets that are a whole file each; a reference is an absolute path. Read-only.
 *
 * One trailing line break (`\n` or `\r\n`) is taken off, since editors and `echo` add one; any other is kept.
 */
export function createFileProvider(_options: ProviderOptions): Provider {
  return {
    resolve: (requests) =>
      resolveEach(requests, async (ref) => {
        const bytes = await readLimited(ref, MAX_VALUE_BYTES + LINE_BREAK_BYTES, { provider: "file", ref });
        const value = bytes.slice(0, bytes.length - trailingBreak(bytes));
        bytes.fill(0);
        return value;
      }),
    check: () => Promise.resolve(),
  };
}

function trailingBreak(bytes: Uint8Array): number {
  if (bytes.at(-1) !== 0x0a) return 0;
  return bytes.at(-2) === 0x0d ? 2 : 1;
}
