import { timingSafeEqual } from "node:crypto";
import { type Field, single } from "./http/fields.ts";

/** Who may use the proxy of this run (TM-16). */
export class ClientLogin {
  static readonly user = "kz";
  /** 128 random bits, in lower-case hexadecimal. */
  readonly password: string;
  readonly #expected: Uint8Array;

  constructor(random: Uint8Array) {
    this.password = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#expected = new TextEncoder().encode(`Basic ${btoa(`${ClientLogin.user}:${this.password}`)}`);
  }

  /** Whether a request's `Proxy-Authorization` is right, compared in constant time (RFC 7617). */
  accepts(fields: readonly Field[]): boolean {
    const value = single(fields, "proxy-authorization");
    if (value === undefined) return false;
    const given = new TextEncoder().encode(value.replace(/^basic +/i, "Basic "));
    return given.length === this.#expected.length && timingSafeEqual(given, this.#expected);
  }
}
