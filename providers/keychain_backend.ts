/** One system's keychain. Items are found by service and name. */
export interface KeychainBackend {
  /** The longest value that it keeps whole. */
  readonly maxBytes: number;
  /** The value; undefined when there is no such item. */
  get(item: KeychainItem, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Stores or replaces. */
  set(item: KeychainItem, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

export interface KeychainItem {
  readonly service: string;
  readonly name: string;
}

/** Why a keychain did not do what it was asked. `missing`: there is none on this machine. `refused`: it answered no. */
export class KeychainFailure extends Error {
  override readonly name = "KeychainFailure";
  readonly kind: "missing" | "refused";

  constructor(kind: "missing" | "refused", state: string, options: ErrorOptions = {}) {
    super(state, options);
    this.kind = kind;
  }
}
