import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** What a schema would have taken, by its own word; a value or a name of the input is never part of it. */
const EXPECTED: Readonly<Record<string, (issue: Issue) => string>> = {
  invalid_type: (issue) =>
    "expected" in issue ? `${article(String(issue.expected))} is expected` : "is of a wrong type",
  too_big: (issue) => `is longer than ${"maximum" in issue ? issue.maximum : "allowed"}`,
  too_small: (issue) => `is shorter than ${"minimum" in issue ? issue.minimum : "allowed"}`,
  invalid_format: () => "is not in the form that is expected",
  invalid_key: () => "has a name that is not allowed",
  custom: (issue) => issue.message,
};

/**
 * Says in one line what is wrong with an input, for whoever sent it, without repeating any of it.
 *
 * @param known The names that the schema has at its top: others are not printed, since they are the input's.
 */
export function describeIssues(error: z.ZodError, known: readonly string[]): string {
  const lines = error.issues.slice(0, 3).map((issue) => {
    if (issue.code === "unrecognized_keys") {
      return `${where(issue.path, known)} has a member that is not known; there are: ${known.join(", ")}`;
    }
    return `${where(issue.path, known)}: ${EXPECTED[issue.code]?.(issue) ?? "is not valid"}`;
  });
  return lines.join("; ");
}

function where(path: readonly PropertyKey[], known: readonly string[]): string {
  const [top, ...rest] = path;
  if (top === undefined) return "the request";
  if (typeof top !== "string" || !known.includes(top)) return "a member";
  return [top, ...rest.map((part) => typeof part === "number" ? String(part) : "*")].join(".");
}

function article(type: string): string {
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}
