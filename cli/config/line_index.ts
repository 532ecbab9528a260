import type { KeyPath } from "./key_path.ts";

/** Where each value of a document stands. */
export interface LineIndex {
  /** The line from 1; what has no line of its own (a missing key) gets the line of what encloses it. */
  find(path: KeyPath): number | undefined;
}
