import { LIMITS } from "../limits.ts";

/**
 * Cuts encoded bytes small: a decoder gives out at once all that it makes of one input, which of a bomb is a thousand
 * times its size (TM-24).
 */
export function* decodeSteps(encoded: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < encoded.length; at += LIMITS.decodeStepBytes) {
    yield encoded.slice(at, at + LIMITS.decodeStepBytes);
  }
}
