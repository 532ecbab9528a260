import type { StreamScrubber } from "../../../policy/stream_scrubber.ts";

const MARK = new TextEncoder().encode("[redacted]");

/** The plainest scrubber that keeps the interface's promises: exact values, no other spellings. For tests. */
export function exactScrubber(values: readonly string[]): StreamScrubber {
  const patterns = values.map((value) => new TextEncoder().encode(value));
  let held = new Uint8Array();

  function scrub(input: Uint8Array, isLast: boolean): Uint8Array {
    const output = new Uint8Array(input.length * MARK.length + 1);
    let length = 0;
    let at = 0;
    while (at < input.length) {
      const whole = patterns.find((pattern) => startsWith(input.subarray(at), pattern));
      if (whole !== undefined) {
        output.set(MARK, length);
        length += MARK.length;
        at += whole.length;
        continue;
      }
      if (!isLast && patterns.some((pattern) => startsWith(pattern, input.subarray(at, at + pattern.length)))) break;
      output[length++] = input[at++]!;
    }
    held = input.slice(at);
    return output.slice(0, length);
  }

  return {
    push: (chunk) => scrub(joined(held, chunk), false),
    flush: () => scrub(held, true),
    get pending() {
      return held.length;
    },
  };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
