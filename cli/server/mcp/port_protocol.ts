/** What the relay of the supervisor tells the worker that answers MCP. */
export type ToWorker =
  /** One line of standard input, without its end. */
  | { readonly kind: "line"; readonly line: string }
  /** A line that was not read: too long, or not UTF-8. */
  | { readonly kind: "unreadable"; readonly why: "size" | "encoding" }
  /** The last line has been written out, and the next may come. */
  | { readonly kind: "written" }
  /** Standard input has ended. */
  | { readonly kind: "end" };

/** What the worker tells the relay. */
export type ToRelay =
  /** To be written to standard output; contains no line end. */
  | { readonly kind: "line"; readonly line: string }
  /** A line was taken in, and one more may come. */
  | { readonly kind: "taken" }
  /** Everything that was asked is answered, and standard input has ended. */
  | { readonly kind: "ended" };
