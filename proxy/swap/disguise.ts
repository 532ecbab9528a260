import { decodeLatin1, withLatin1 } from "../http/latin1.ts";
import { outgoingRefusal } from "../outgoing_refusal.ts";
import type { ScrubPlan } from "../scrub/scrub_plan.ts";

/** What is looked for: tokens, and real values. */
export interface DisguiseContext {
  readonly encoded: ScrubPlan;
}

/**
 * Refuses what is left of a text, once its tokens were taken out, if another token stands in it: as it is, encoded as a
 * whole, or with only some of its characters escaped, which no list of encodings holds (TM-05).
 *
 * @param text One character a byte.
 * @throws {Refusal} `PROXY_TOKEN_MISPLACED`
 */
export function refuseDisguised(text: string, { encoded }: DisguiseContext): void {
  refuse(text, encoded);
  if (!/[%\\&]/.test(text)) return;
  // Twice, since what escapes an escape is undone by servers that decode twice.
  let plain = text;
  for (let round = 0; round < 2; round++) {
    const next = unescaped(plain);
    if (next === plain) return;
    refuse(next, encoded);
    plain = next;
  }
}

function refuse(text: string, encoded: ScrubPlan): void {
  const found = withLatin1(text, (bytes) => encoded.search(bytes));
  if (found !== undefined) throw outgoingRefusal(found);
}

/** The same for bytes. */
export function refuseDisguisedBytes(bytes: Uint8Array, context: DisguiseContext): void {
  const found = context.encoded.search(bytes);
  if (found !== undefined) throw outgoingRefusal(found);
  // Most bodies have neither escape, and are not copied.
  if (bytes.includes(PERCENT) || bytes.includes(BACKSLASH) || bytes.includes(AMPERSAND)) {
    refuseDisguised(decodeLatin1(bytes), context);
  }
}

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const BACKSLASH = 0x5c;

/** Undoes escapes of characters that tokens are made of: percent, JSON and JavaScript, HTML. */
function unescaped(text: string): string {
  return text.replace(
    /%([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|&#(\d{1,3});|&#x([0-9a-f]{2});/gi,
    (escape, percent, unicode, hex, decimal, htmlHex) => {
      const code = decimal === undefined ? parseInt(percent ?? unicode ?? hex ?? htmlHex, 16) : Number(decimal);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : escape;
    },
  );
}
