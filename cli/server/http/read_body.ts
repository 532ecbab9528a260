import { Denial } from "../../../policy/server/denial.ts";
import { HttpError } from "../../../proxy/http/http_error.ts";
import { ReceivedRequest } from "./received_request.ts";
import { addressKey } from "./caller_limiter.ts";
import { HttpProblem } from "./problem.ts";
import type { ServerLimits } from "./server_limits.ts";

/**
 * Bytes of bodies that all requests hold together; who finds it spent is answered 503 at once. One address does not get
 * all of it: a body is read before it is known who calls (TM-38).
 */
export class HeldBytes {
  readonly #limits: Pick<ServerLimits, "heldBytes" | "heldBytesOfAddress">;
  readonly #byAddress = new Map<string, number>();
  #held = 0;

  constructor(limits: Pick<ServerLimits, "heldBytes" | "heldBytesOfAddress">) {
    this.#limits = limits;
  }

  get held(): number {
    return this.#held;
  }

  /** @param address Of the client. */
  lease(address: string): BytesLease {
    const key = addressKey(address);
    let own = 0;
    const take = (bytes: number) => {
      const ofAddress = (this.#byAddress.get(key) ?? 0) + bytes;
      if (ofAddress === 0) this.#byAddress.delete(key);
      else this.#byAddress.set(key, ofAddress);
      this.#held += bytes;
      own += bytes;
    };
    return {
      grow: (bytes) => {
        const { heldBytes, heldBytesOfAddress } = this.#limits;
        if (this.#held + bytes > heldBytes) throw new Denial("OVERLOADED", { detail: "too many bodies are held" });
        if ((this.#byAddress.get(key) ?? 0) + bytes > heldBytesOfAddress) {
          throw new Denial("TOO_MANY_REQUESTS", { detail: "wait for earlier requests to be answered" });
        }
        take(bytes);
      },
      [Symbol.dispose]: () => take(-own),
    };
  }
}

/** What one request holds, until its scope ends. */
export interface BytesLease extends Disposable {
  /** @throws {Denial} `OVERLOADED`, `TOO_MANY_REQUESTS` */
  grow(bytes: number): void;
}

/**
 * Reads a request's body, as it comes, up to a size and for a time.
 *
 * @throws {Denial} `BODY_TOO_LARGE`, `OVERLOADED`, `TOO_MANY_REQUESTS`
 * @throws {HttpProblem} `REQUEST_TIMEOUT`
 */
export async function readBody(
  request: Request,
  lease: BytesLease,
  { maxBytes, ms }: { maxBytes: number; ms: number },
): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > maxBytes) throw new Denial("BODY_TOO_LARGE");
  const received = request instanceof ReceivedRequest ? request.received : undefined;
  if (received !== undefined) {
    if (received.length > maxBytes) throw new Denial("BODY_TOO_LARGE");
    lease.grow(received.length);
    return received;
  }
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  let buffer = new Uint8Array(0);
  let length = 0;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reader.cancel().catch(() => {});
  }, ms);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (late) throw new HttpProblem("REQUEST_TIMEOUT");
      if (done) return buffer.subarray(0, length);
      if (length + value.length > maxBytes) throw new Denial("BODY_TOO_LARGE");
      if (length + value.length > buffer.length) {
        const larger = new Uint8Array(Math.min(maxBytes, Math.max(2 * buffer.length, length + value.length)));
        lease.grow(larger.length - buffer.length);
        larger.set(buffer);
        buffer = larger;
      }
      buffer.set(value, length);
      length += value.length;
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    if (error instanceof HttpError) {
      throw new Denial("REQUEST_INVALID", { detail: "the body is cut off or not framed as HTTP has it" });
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
