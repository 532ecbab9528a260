import type { Machine } from "./machine.ts";

/** A number against what the project promises. */
export interface Target {
  readonly text: string;
  readonly holds: boolean;
}

/** One line of a table. */
export interface Row {
  readonly name: string;
  /** One for each column; a text stands as it is (`not installed`). */
  readonly values: readonly (number | string | undefined)[];
  readonly targets?: readonly Target[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

const NAME_WIDTH = 34;
const VALUE_WIDTH = 14;

/** Prints a table in at most 100 columns, but for the targets that follow a row. */
export function printTable(table: Table): void {
  console.log(`\n${table.title}`);
  console.log("  " + "".padEnd(NAME_WIDTH) + table.columns.map((column) => column.padStart(VALUE_WIDTH)).join(""));
  for (const row of table.rows) {
    const values = row.values.map((value) => format(value).padStart(VALUE_WIDTH)).join("");
    console.log("  " + row.name.padEnd(NAME_WIDTH) + values);
    for (const target of row.targets ?? []) {
      console.log(`  ${"".padEnd(NAME_WIDTH)}${target.holds ? "holds " : "misses"}  ${target.text}`);
    }
  }
}

/** A promise with its number. NaN or an absent number never holds. */
export function atLeast(value: number | undefined, limit: number, what: string): Target {
  return { text: `at least ${limit} ${what}`, holds: value !== undefined && value >= limit };
}

export function below(value: number | undefined, limit: number, what: string): Target {
  return { text: `under ${limit} ${what}`, holds: value !== undefined && value < limit };
}

/** Writes everything as JSON; the directory is ignored by git. */
export async function writeReport(
  path: string,
  report: {
    readonly machine: Machine;
    readonly date: string;
    readonly quick: boolean;
    readonly tables: readonly Table[];
  },
): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, JSON.stringify(report, null, 2) + "\n");
}

function format(value: number | string | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "-";
  if (typeof value === "string") return value;
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
