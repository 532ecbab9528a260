import assert from "node:assert/strict";
import { AppError } from "../policy/error.ts";
import { type OptionsSchema, parseOptions } from "./options.ts";

const CANARY = "kz-canary-5d0c";
const SCHEMA: OptionsSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    region: { type: "string", description: "The region", pattern: "[a-z]+-[0-9]", examples: ["eu-1"] },
    place: { type: "string", description: "The place", enum: ["here", "there"] },
  },
};

const ACCEPTED: readonly [why: string, raw: Record<string, unknown>][] = [
  ["nothing", {}],
  ["one option", { region: "eu-1" }],
  ["all options", { region: "eu-1", place: "there" }],
];
for (const [why, raw] of ACCEPTED) {
  Deno.test(`parseOptions() accepts ${why}, and its own result again`, () => {
    const options = parseOptions("p", SCHEMA, raw);
    assert.deepEqual(options, raw);
    assert.deepEqual(parseOptions("p", SCHEMA, options), options);
  });
}

const REFUSED: readonly [why: string, raw: Record<string, unknown>, code: string][] = [
  ["an unknown key", { [CANARY]: "x" }, "CONFIG_KEY_UNKNOWN"],
  ["an inherited name", { toString: "x" }, "CONFIG_KEY_UNKNOWN"],
  ["a value beyond the pattern", { region: `eu-1${CANARY}` }, "CONFIG_TYPE_INVALID"],
  ["a second line", { region: `eu-1\n${CANARY}` }, "CONFIG_TYPE_INVALID"],
  ["a value beyond the list", { place: CANARY }, "CONFIG_TYPE_INVALID"],
  ["a number", { region: 1 }, "CONFIG_TYPE_INVALID"],
  ["a table", { region: { key: CANARY } }, "CONFIG_TYPE_INVALID"],
  ["the empty string", { place: "" }, "CONFIG_TYPE_INVALID"],
];
for (const [why, raw, code] of REFUSED) {
  Deno.test(`parseOptions() refuses ${why} without echoing it`, () => {
    assert.throws(() => parseOptions("p", SCHEMA, raw), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, code);
      assert(!`${error.message}${error.hints}`.includes(CANARY));
      return true;
    });
  });
}
