import { AppError } from "./error.ts";
import type { SecretRef } from "./secret_ref.ts";

/**
 * A secret value, held as bytes for as short a time as its scope lasts.
 *
 * Printing one shows its reference; turning one into a string throws.
 */
export class Secret implements Disposable {
  readonly ref: SecretRef;
  #bytes: Uint8Array | undefined;

  /** @param bytes UTF-8 bytes, owned by this object from now on and zeroed on disposal. */
  constructor(ref: SecretRef, bytes: Uint8Array) {
    this.ref = ref;
    this.#bytes = bytes;
  }

  /** The only way to the value. `use` must not keep `bytes` past its return. */
  reveal<T>(use: (bytes: Uint8Array) => T): T {
    if (this.#bytes === undefined) {
      throw new AppError("SECRET_DISPOSED", `Cannot reveal secret "${this.ref}": its scope has ended`);
    }
    return use(this.#bytes);
  }

  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toJSON(): string {
    return `Secret(${this.ref})`;
  }
  [Symbol.for("Deno.customInspect")](): string {
    return this.toJSON();
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toJSON();
  }
  [Symbol.toPrimitive](): never {
    throw new TypeError(`Cannot turn secret "${this.ref}" into text: call reveal() where the bytes are used`);
  }
}
