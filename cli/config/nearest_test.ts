import assert from "node:assert/strict";
import { nearestName } from "./nearest.ts";

const NAMES = ["keychain", "store", "env", "provider", "ref"];
const TABLE: [why: string, text: string, expected: string | undefined][] = [
  ["a letter too few", "keychan", "keychain"],
  ["a letter too many", "reff", "ref"],
  ["another case", "ENV", "env"],
  ["two letters in the wrong order", "provdier", "provider"],
  ["nothing near", "hashicorp", undefined],
  ["one letter for a short name", "e", undefined],
  ["an empty text", "", undefined],
  ["a text of 65 letters", "k".repeat(65), undefined],
];
for (const [why, text, expected] of TABLE) {
  Deno.test(`nearestName() finds ${expected} for ${why}`, () => assert.equal(nearestName(text, NAMES), expected));
}
