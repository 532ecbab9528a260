import type { WireError } from "../policy/error.ts";

/** What the supervisor asks of a resolver worker, by `postMessage`. One worker serves one provider instance. */
export type ResolverRequest =
  /** Values leave on `values` only, a port that the supervisor may have handed on and then cannot read. */
  | {
    kind: "resolve";
    provider: ProviderSetup;
    secrets: readonly WireSecretRequest[];
    timeoutMs: number;
    values: MessagePort;
  }
  | { kind: "put"; provider: ProviderSetup; ref: string; bytes: Uint8Array; timeoutMs: number }
  | { kind: "check"; provider: ProviderSetup; timeoutMs: number };

/** Which provider, with the options of its `[providers.<name>]` table, checked and prepared by its registry entry. */
export interface ProviderSetup {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface WireSecretRequest {
  readonly id: string;
  readonly ref: string;
}

/** What comes back to the supervisor. It never holds a value. */
export type ResolverReply =
  | {
    kind: "resolved";
    found: readonly string[];
    failed: readonly { id: string; error: WireError }[];
    /** How long a value that was found is good, in milliseconds, where its backend says so. */
    lives: ReadonlyMap<string, number>;
  }
  | { kind: "done" }
  | { kind: "failed"; error: WireError };

/** One value, on the `values` port. `bytes` are UTF-8 and transferred. */
export interface ValueMessage {
  readonly id: string;
  readonly bytes: Uint8Array;
}
