/** What a dotenv text holds, or which line (from 1) is wrong and how. The line itself is never part of it. */
export type ParsedDotenv =
  | { readonly values: ReadonlyMap<string, string> }
  | { readonly line: number; readonly problem: string };

const ASSIGNMENT_REGEXP = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(.*)$/s;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ['"', '"'],
  ["\\", "\\"],
  ["$", "$"],
]);

/**
 * Reads a dotenv text strictly.
 *
 * Blank lines and lines that begin with `#` are skipped. A value is bare (trimmed, up to a `#` after white space), in
 * single quotes (taken as it stands) or in double quotes (with `\n \r \t \" \\ \$`); quoted values may span lines. `$NAME`
 * is not expanded. What programs read differently is refused: a key given twice, a bare value with a quote at its start or
 * a `#` in the middle, text after a closing quote, an unknown escape.
 */
export function parseDotenv(text: string): ParsedDotenv {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n/);
  const values = new Map<string, string>();
  for (let index = 0; index < lines.length; index++) {
    const number = index + 1;
    const line = lines[index]!;
    if (/^[ \t]*(?:#|$)/.test(line)) continue;
    const [, key, rest] = ASSIGNMENT_REGEXP.exec(line) ?? [];
    if (key === undefined || rest === undefined) return { line: number, problem: "is not KEY=VALUE" };
    if (values.has(key)) return { line: number, problem: "gives a key a second time" };
    const quote = rest[0];
    if (quote === "`") return { line: number, problem: "has a value in backquotes" };
    if (quote !== '"' && quote !== "'") {
      const bare = rest.replace(/(?:^|[ \t]+)#.*$/, "").trim();
      if (bare.includes("#")) return { line: number, problem: "has an unquoted value with #" };
      values.set(key, bare);
      continue;
    }
    const quoted = readQuoted(quote, rest.slice(1), lines, index);
    if ("problem" in quoted) return { line: number, problem: quoted.problem };
    values.set(key, quoted.value);
    index = quoted.last;
  }
  return { values };
}

/** Reads on to the closing quote, which may stand on a later line; `last` is that line's index. */
function readQuoted(
  quote: '"' | "'",
  first: string,
  lines: readonly string[],
  start: number,
): { value: string; last: number } | { problem: string } {
  let value = "";
  let line = first;
  for (let index = start;;) {
    for (let at = 0; at < line.length; at++) {
      const char = line[at]!;
      if (char === quote) {
        const after = line.slice(at + 1);
        return /^[ \t]*(?:#.*)?$/.test(after) ? { value, last: index } : { problem: "has text after a closing quote" };
      }
      if (char === "\\" && quote === '"') {
        const escaped = ESCAPES.get(line[++at] ?? "");
        if (escaped === undefined) return { problem: "has an escape that is not known" };
        value += escaped;
      } else value += char;
    }
    if (++index >= lines.length) return { problem: "has a quote that is not closed" };
    value += "\n";
    line = lines[index]!;
  }
}
