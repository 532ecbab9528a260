import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { encodedForms } from "../../../proxy/scrub/encodings.ts";
import { ScrubPlan } from "../../../proxy/scrub/scrub_plan.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { splits } from "../split_source.ts";

/** Values that stand inside, overlap and begin like one another. */
const SECRETS: readonly { readonly text: string; readonly standIn: string }[] = [
  { text: "aaaaaaaa", standIn: "<A>" },
  { text: "aaaaaaaabaaaa", standIn: "<AB>" },
  { text: "baaaabaaaabaaaab", standIn: "<B>" },
  { text: 'p/"ss&ü +%\n0', standIn: "<P>" },
];
const plan = new ScrubPlan(SECRETS);
const PATTERNS = SECRETS.flatMap(({ text, standIn }) =>
  encodedForms(text).map((form) => ({ form: decodeLatin1(form), standIn }))
).sort((a, b) => b.form.length - a.form.length);

/** Every match from the left, the longest at each place; what later ones cover beyond earlier ones is filled (TM-06). */
function naive(text: string, keepLength: boolean): string {
  let out = "";
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const match = PATTERNS.find(({ form }) => text.startsWith(form, at));
    if (match === undefined) continue;
    const { form: { length }, standIn } = match;
    if (at >= done) out += text.slice(done, at) + (keepLength ? standIn.padEnd(length, "*").slice(0, length) : standIn);
    else out += "*".repeat(Math.max(0, at + length - done));
    done = Math.max(done, at + length);
  }
  return out + text.slice(done);
}

/** TM-01, TM-03: a stream cut anywhere is rewritten as a naive replacement of the whole. */
export const scrubbedStream: FuzzTarget = {
  name: "scrub",
  inputs: fc.array(fc.constantFrom("a", "b", "aaaa", "x", ...PATTERNS.map(({ form }) => form)), { maxLength: 12 })
    .map((parts) => encodeLatin1(parts.join(""))),
  dictionary: PATTERNS.map(({ form }) => form),
  check(input) {
    const text = decodeLatin1(input);
    for (const keepLength of [false, true]) {
      const replacer = plan.replacer({ keepLength });
      const parts = splits(input).map((part) => decodeLatin1(replacer.push(part)));
      assert.equal(parts.join("") + decodeLatin1(replacer.flush()), naive(text, keepLength));
    }
    const found = PATTERNS.some(({ form }) => text.includes(form));
    assert.equal(plan.search(input) !== undefined, found);
    const detector = plan.detector();
    let out = "";
    const detected = splits(input).some((part) => {
      const step = detector.push(part);
      if ("found" in step) return true;
      out += decodeLatin1(step.out);
      return false;
    });
    assert.equal(detected, found);
    if (!detected) assert.equal(out + decodeLatin1(detector.flush()), text);
    return found;
  },
};
