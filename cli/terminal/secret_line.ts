/** A value that is typed or pasted is a line; what is longer comes from a file, by `--stdin`. */
export const MAX_VALUE_BYTES = 64 * 1024;

/** What the keys so far mean. `multiline`: something follows the line, as when several lines are pasted. */
export type LineState = "open" | "done" | "cancelled" | "closed" | "too long" | "multiline";

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const CTRL_U = 0x15;
const ESCAPE = 0x1b;
const DELETE = 0x7f;

/**
 * A line of UTF-8 as keys make it, without a terminal: it is fed what a terminal in raw mode sends.
 *
 * Its bytes are zeroed when its scope ends.
 */
export class SecretLine implements Disposable {
  readonly #bytes = new Uint8Array(MAX_VALUE_BYTES);
  #length = 0;
  /** How far into a key's escape sequence the input is (ECMA-48 §5.4): arrows and the like are no text. */
  #sequence: "none" | "escape" | "control" = "none";

  /** @param keys Bytes as the terminal sends them; a character may be split between calls. Zeroed. */
  press(keys: Uint8Array): LineState {
    for (const [index, byte] of keys.entries()) {
      const state = this.#pressOne(byte);
      if (state === "open") continue;
      const rest = keys.subarray(index + 1);
      const pairedFeed = byte === RETURN && rest.length === 1 && rest[0] === LINE_FEED;
      const more = state === "done" && rest.length > 0 && !pairedFeed;
      keys.fill(0);
      return more ? "multiline" : state;
    }
    keys.fill(0);
    return "open";
  }

  /** A copy of the line, owned by the caller. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  #pressOne(byte: number): LineState {
    if (this.#sequence !== "none") return this.#skip(byte);
    switch (byte) {
      case CTRL_C:
        return "cancelled";
      case CTRL_D:
        return this.#length === 0 ? "closed" : "done";
      case LINE_FEED:
      case RETURN:
        return "done";
      case CTRL_U:
        this[Symbol.dispose]();
        return "open";
      case BACKSPACE:
      case DELETE:
        this.#erase();
        return "open";
      case ESCAPE:
        this.#sequence = "escape";
        return "open";
    }
    if (byte < 0x20 && byte !== TAB) return "open";
    if (this.#length === MAX_VALUE_BYTES) return "too long";
    this.#bytes[this.#length++] = byte;
    return "open";
  }

  /** `ESC [ … final` and `ESC O final`; after any other byte the sequence is over. */
  #skip(byte: number): LineState {
    if (byte === CTRL_C) return "cancelled";
    if (this.#sequence === "escape") {
      this.#sequence = byte === 0x5b || byte === 0x4f ? "control" : "none";
    } else if (byte >= 0x40 && byte <= 0x7e) this.#sequence = "none";
    return "open";
  }

  /** Takes back the last character: its continuation bytes (`10xxxxxx`, RFC 3629 §3) and the byte that leads them. */
  #erase(): void {
    while (this.#length > 0) {
      const byte = this.#bytes[--this.#length]!;
      this.#bytes[this.#length] = 0;
      if ((byte & 0xc0) !== 0x80) return;
    }
  }
}
