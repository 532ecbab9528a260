import { MAX_LINE_BYTES } from "./audit_line.ts";
import { latin1 } from "./read_tail.ts";

const NEWLINE = 0x0a;

/** Makes lines of pieces of a file, in bounded memory: of a line that is too long only the beginning is kept. */
export class LineSplitter {
  #rest = "";

  /** @returns The lines that end in this piece, without their ends. */
  add(bytes: Uint8Array): string[] {
    const end = bytes.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.#keep(bytes);
      return [];
    }
    const lines = (this.#rest + latin1(bytes.subarray(0, end))).split("\n");
    this.#rest = "";
    this.#keep(bytes.subarray(end + 1));
    return lines;
  }

  #keep(bytes: Uint8Array): void {
    // One character more than a line may have shows that it is none.
    const room = MAX_LINE_BYTES + 1 - this.#rest.length;
    if (room > 0) this.#rest += latin1(bytes.subarray(0, room));
  }

  /** What came after the last end of a line. */
  get hasRest(): boolean {
    return this.#rest !== "";
  }
}
