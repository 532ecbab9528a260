import { type KeychainBackend, KeychainFailure, type KeychainItem } from "./keychain_backend.ts";
import { KEYCHAIN_PROGRAM, keychainEnvironment } from "./keychain_programs.ts";
import { type ProgramResult, runProgram } from "./program.ts";

/** `secret-tool` reads a password into 8,192 bytes with a terminating NUL, and stores a longer one cut off. */
const MAX_BYTES = 8191;

/** The Secret Service, through `secret-tool` of libsecret. Items have the attributes `service` and `account`. */
export const linuxKeychain: KeychainBackend = {
  maxBytes: MAX_BYTES,

  async get(item, signal) {
    const { code, stdout, stderr } = await secretTool(["lookup", ...attributes(item)], signal);
    if (code === 0) return stdout;
    if (stderr.length > 0) throw failure(stderr);
    // It fails without a word for an item that is not there, and also for one that is locked; a search tells them apart.
    const search = await secretTool(["search", ...attributes(item)], signal);
    const there = search.stdout.length > 0;
    search.stdout.fill(0);
    if (there) throw new KeychainFailure("refused", "the item is in a locked collection");
    return undefined;
  },

  async set(item, bytes, signal) {
    const args = ["store", `--label=KeyZero: ${item.name}`, ...attributes(item)];
    const { code, stderr } = await secretTool(args, signal, bytes);
    if (code !== 0) throw failure(stderr);
  },
};

function attributes(item: KeychainItem): string[] {
  // Without "--" a name that begins with a dash would be read as an option.
  return ["--", "service", item.service, "account", item.name];
}

async function secretTool(args: readonly string[], signal: AbortSignal, stdin?: Uint8Array): Promise<ProgramResult> {
  try {
    return await runProgram(KEYCHAIN_PROGRAM.linux!, args, {
      env: keychainEnvironment(),
      signal,
      ...(stdin === undefined ? {} : { stdin }),
    });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new KeychainFailure("missing", 'the program "secret-tool" is not installed', { cause });
  }
}

/** Tells by the words of GLib whether there is a service at all; they are not passed on. */
function failure(stderr: Uint8Array): KeychainFailure {
  const text = new TextDecoder().decode(stderr);
  return /D-?Bus|ServiceUnknown|not provided by any|autolaunch|Could not connect|No such file/i.test(text)
    ? new KeychainFailure("missing", "no Secret Service answers on the session bus")
    : new KeychainFailure("refused", "the Secret Service refused, or its collection is locked");
}
