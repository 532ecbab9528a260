import { type KeychainBackend, KeychainFailure, type KeychainItem } from "./keychain_backend.ts";
import { KEYCHAIN_PROGRAM, keychainEnvironment } from "./keychain_programs.ts";
import { runProgram } from "./program.ts";

/** `security -i` reads lines of at most 4,096 bytes; in hexadecimal and with the command around it, this much fits. */
const MAX_BYTES = 1536;
/** `errSecItemNotFound` (-25300) as an exit status. */
const ITEM_NOT_FOUND = 44;

/** The macOS keychain, through `security`. Not verified on a macOS machine. */
export const macosKeychain: KeychainBackend = {
  maxBytes: MAX_BYTES,

  async get(item, signal) {
    // `-w` prints a value that is not plain ASCII in hexadecimal without saying so; `-g` marks it.
    const args = ["find-generic-password", "-s", item.service, "-a", item.name, "-g"];
    const { code, stderr } = await runProgram(KEYCHAIN_PROGRAM.darwin!, args, { env: keychainEnvironment(), signal });
    if (code === ITEM_NOT_FOUND) return undefined;
    if (code !== 0) throw new KeychainFailure("refused", "the keychain is locked, or access was not allowed");
    return readPassword(new TextDecoder().decode(stderr));
  },

  async set(item, bytes, signal) {
    const stdin = new TextEncoder().encode(addCommand(item, bytes));
    const { code } = await runProgram(KEYCHAIN_PROGRAM.darwin!, ["-i"], { stdin, env: keychainEnvironment(), signal });
    stdin.fill(0);
    if (code !== 0) throw new KeychainFailure("refused", "the keychain is locked, or access was not allowed");
  },
};

/** One line for `security -i`, so that the value is not among the arguments. In hexadecimal the value needs no quoting. */
export function addCommand(item: KeychainItem, bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `add-generic-password -U -s ${quoted(item.service)} -a ${quoted(item.name)} -X ${hex}\n`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Reads the line that `find-generic-password -g` writes: `password: "text"` or `password: 0x74657874  "text"`. */
export function readPassword(output: string): Uint8Array {
  const [, hex, text] = /^password: (?:0x((?:[0-9A-Fa-f]{2})+)(?: .*)?|"(.*)")$/m.exec(output) ?? [];
  if (hex !== undefined) return Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  if (text !== undefined) return new TextEncoder().encode(text);
  throw new KeychainFailure("refused", "the keychain answered in a form that is not known");
}
