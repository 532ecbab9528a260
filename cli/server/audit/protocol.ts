import type { WireError } from "../../../policy/error.ts";
import type { ChainPosition } from "./audit_line.ts";
import type { SinkAddress } from "./sink_address.ts";

/** What the supervisor tells the audit worker: its setup once, then the rest in any order. */
export type AuditMessage =
  | ({ readonly kind: "start" } & AuditSetup)
  /** Another worker's port: `AuditEvent` in, null out once its line is safe. */
  | { readonly kind: "connect"; readonly port: MessagePort }
  /** The file was renamed: go on in the one that has its name now. */
  | { readonly kind: "reopen" }
  /** Write what waits, let the file go, then report `ended`. */
  | { readonly kind: "end" };

export interface AuditSetup {
  readonly sink: SinkAddress;
  /** 32 bytes that MACs are made with; undefined: lines have none. */
  readonly key: Uint8Array | undefined;
  /** PEM, besides the usual roots, for a collector. */
  readonly roots: readonly string[];
}

/** What the audit worker tells the supervisor. */
export type AuditReport =
  /** The log can be written; its last line. */
  | ({ readonly kind: "ready" } & ChainPosition)
  | { readonly kind: "failed"; readonly error: WireError }
  /** Lines cannot be written, and every request is denied until `restored`. */
  | { readonly kind: "lost"; readonly error: WireError }
  | { readonly kind: "restored" }
  /** The last line after `reopen`; whether that worked is told by `lost`. */
  | ({ readonly kind: "reopened" } & ChainPosition)
  | { readonly kind: "ended" };
