/** What a page tells its reader to do, in order. */
export type DocStep =
  /** A command, or several, for a shell. */
  | { readonly kind: "sh"; readonly text: string; readonly prints: string | undefined }
  /** A file to be written. */
  | { readonly kind: "file"; readonly name: string; readonly text: string };

const BLOCK_REGEXP = /^```(\w*)\n([^]*?)^```$/gm;
/** The end of the text before a block that is a file. */
const NAME_REGEXP = /`([\w.-]+)`:\n+$/;

/**
 * Takes a page apart: `sh` blocks are run; a block under "`NAME`:" is that file; a `json` block under an `sh` block is what
 * that prints.
 *
 * @throws {TypeError} for a block that is none of these, so that nothing is shown that nobody tries.
 */
export function docSteps(page: string): DocStep[] {
  const steps: DocStep[] = [];
  let end = 0;
  for (const { 0: whole, 1: language, 2: text = "", index } of page.matchAll(BLOCK_REGEXP)) {
    const name = NAME_REGEXP.exec(page.slice(end, index))?.[1];
    end = index + whole.length;
    const last = steps.at(-1);
    if (language === "sh") steps.push({ kind: "sh", text, prints: undefined });
    else if (name !== undefined) steps.push({ kind: "file", name, text });
    else if (language === "json" && last?.kind === "sh") steps[steps.length - 1] = { ...last, prints: text };
    else throw new TypeError("Cannot read page: a block is neither run, nor written, nor printed");
  }
  return steps;
}

/** Whether JSON is as it is shown: the same members and values, where "…" in a text stands for anything. */
export function isAsShown(actual: unknown, shown: unknown): boolean {
  if (typeof shown === "string" && typeof actual === "string" && shown.includes("…")) {
    const [begin = "", rest = ""] = shown.split("…", 2);
    return actual.startsWith(begin) && actual.endsWith(rest);
  }
  if (typeof shown !== "object" || shown === null || typeof actual !== "object" || actual === null) {
    return shown === actual;
  }
  const [inShown, inActual] = [new Map(Object.entries(shown)), new Map(Object.entries(actual))];
  return inShown.size === inActual.size &&
    [...inShown].every(([name, value]) => inActual.has(name) && isAsShown(inActual.get(name), value));
}
