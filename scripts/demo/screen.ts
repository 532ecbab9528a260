/** Wide enough for a token beside a token, narrow enough for half a screen. */
const WIDTH = 98;
const GUTTER = 2;
const COLUMN = (WIDTH - 2 * GUTTER) / 2;

const COLOUR = Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR");
const TOKEN_REGEXP = /kz_masked_[0-9a-f]{1,32}/g;

/** Prints what the demo shows, in at most 98 columns. Colour only repeats what the words say. */
export class Screen {
  readonly #real: readonly string[];

  /** @param real The values that are coloured as real. */
  constructor(real: readonly string[]) {
    this.#real = real;
  }

  heading(text: string): void {
    this.#write("");
    this.#write(style(text, "1"));
  }

  line(text: string): void {
    for (const line of wrap(text, WIDTH - GUTTER)) this.#write("  " + this.#coloured(line));
  }

  dim(text: string): void {
    for (const line of wrap(text, WIDTH - GUTTER)) this.#write("  " + style(line, "2"));
  }

  /** Prints titles and rows in two columns; long cells are wrapped. */
  sideBySide(titles: readonly [string, string], rows: readonly (readonly [string, string])[]): void {
    this.#row([titles[0], titles[1]], (cell) => style(cell, "4"));
    for (const row of rows) this.#row(row, (cell) => this.#coloured(cell));
  }

  verdict(holds: boolean, text: string): void {
    this.#write("");
    for (const line of wrap(text, WIDTH)) this.#write(style(line, holds ? "1;32" : "1;31"));
  }

  #row(row: readonly [string, string], paint: (cell: string) => string): void {
    const [left, right] = [wrap(row[0], COLUMN), wrap(row[1], COLUMN)];
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      const cell = left[index] ?? "";
      this.#write(
        ("  " + paint(cell) + " ".repeat(COLUMN - cell.length + GUTTER) + paint(right[index] ?? "")).trimEnd(),
      );
    }
  }

  #coloured(text: string): string {
    let out = text.replace(TOKEN_REGEXP, (token) => style(token, "32"));
    for (const value of this.#real) out = out.replaceAll(value, (found) => style(found, "31"));
    return out;
  }

  #write(line: string): void {
    console.log(line);
  }
}

function style(text: string, code: string): string {
  return COLOUR && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Breaks at a space, around a token or before a sign that joins words, else in mid-word; what follows is indented. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const whole of text.split("\n")) {
    let rest = whole;
    while (rest.length > width) {
      const at = breakAt(rest, width);
      lines.push(rest.slice(0, at).trimEnd());
      rest = "  " + rest.slice(at).trimStart();
    }
    lines.push(rest);
  }
  return lines;
}

function breakAt(text: string, width: number): number {
  for (let at = width; at > width / 3; at--) {
    const [before = "", next = "", after = ""] = text.slice(at - 1);
    const withinScheme = next === "/" && (/[:/]/.test(before) || after === "/");
    if (/[ @/|&[]/.test(next) && !withinScheme || text.startsWith("kz_masked_", at)) return at;
  }
  return width;
}
