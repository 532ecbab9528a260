import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { exitStatusOf, printable, renderError } from "./report_error.ts";
import { styleFor } from "./style.ts";

const TERMINAL = { isTerminal: () => true };
const PLAIN = styleFor({ isTerminal: () => false }, () => undefined);

Deno.test("renderError() writes the error, its causes, an empty line and its hints", () => {
  const cause = new AppError("CONFIG_UNREADABLE", "Cannot read b: it is a directory", {
    cause: new TypeError("canary"),
  });
  const error = new AppError("CONFIG_NOT_FOUND", "Cannot find a: it is gone", { cause, hints: ["Do x", "Do y"] });
  assert.equal(
    renderError(error, PLAIN),
    "error[CONFIG_NOT_FOUND]: Cannot find a: it is gone\n" +
      "cause: Cannot read b: it is a directory\ncause: TypeError\n\nhint: Do x\nhint: Do y\n",
  );
});

Deno.test("renderError() shows nothing of an error that is not ours", () => {
  const text = renderError(new Error("canary"), PLAIN);
  assert.match(text, /^error\[INTERNAL\]: /);
  assert.ok(!text.includes("canary"));
});

Deno.test("exitStatusOf() follows the kind of the error", () => {
  const statuses =
    (["USAGE_INVALID", "CONFIG_EXISTS", "DENIED_IN_BLIND_RUN", "PROVIDER_UNAVAILABLE", "INTERNAL"] as const)
      .map((code) => exitStatusOf(new AppError(code, "Cannot go on: it is a test")));
  assert.deepEqual([...statuses, exitStatusOf("text")], [2, 3, 4, 5, 70, 70]);
});

Deno.test("printable() takes the power from control characters and turned writing", () => {
  assert.equal(printable("a\u001b[31m\r\n\u0007\u009b\u202eb\u2028"), "a�[31m����" + "�b�");
  assert.equal(printable("é€😀 …→"), "é€😀 …→");
});

const STYLES: [why: string, stream: { isTerminal(): boolean }, variables: Record<string, string>, coloured: boolean][] =
  [
    ["a terminal", TERMINAL, {}, true],
    ["a file", { isTerminal: () => false }, {}, false],
    ["NO_COLOR", TERMINAL, { NO_COLOR: "0" }, false],
    ["an empty NO_COLOR", TERMINAL, { NO_COLOR: "" }, true],
    ["a dumb terminal", TERMINAL, { TERM: "dumb" }, false],
  ];
for (const [why, stream, variables, coloured] of STYLES) {
  Deno.test(`styleFor() ${coloured ? "colours" : "does not colour"} for ${why}`, () => {
    assert.equal(styleFor(stream, (name) => variables[name]).error("x") !== "x", coloured);
  });
}
