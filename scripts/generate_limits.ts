import { SERVER_LIMITS } from "../cli/server/http/server_limits.ts";
import { EDGE_LIMITS } from "../proxy/edge/edge_limits.ts";
import { LIMITS } from "../proxy/limits.ts";

/** Where the page is committed, and what it is made from. */
export const LIMITS_PAGE = new URL("../docs/limits.md", import.meta.url);
export const LIMITS_SOURCE = new URL("../proxy/limits.ts", import.meta.url);
export const EDGE_LIMITS_SOURCE = new URL("../proxy/edge/edge_limits.ts", import.meta.url);
export const SERVER_LIMITS_SOURCE = new URL("../cli/server/http/server_limits.ts", import.meta.url);

const INTRODUCTION = `# Limits

Whatever a program sends, the proxy's memory and work stay within these; a program that goes over one is refused, and
other programs and hosts are served on. They are constants, made to be out of the way of every program that is known.

`;

const NOTES = `
Bodies that stream, both ways, have no limit of length or time, and hold a few buffers of 64 KiB; a client that reads
slowly slows its host down. A response has no time limit, since models take minutes to answer: it ends when its client
goes away. Memory that a connection may use besides is what is held of its head, body and messages, as above, and up to
six buffers of 64 KiB while it carries much.

## The edge of a team server

`;

const FRONT = `
## HTTP and MCP of a team server

`;

const END = `
This page is made from \`proxy/limits.ts\`, \`proxy/edge/edge_limits.ts\` and \`cli/server/http/server_limits.ts\` by
\`deno task docs\`.
`;

/** @returns The page; a limit without a reason in its source is an error. */
export function limitsPage(source: string, edgeSource: string, serverSource: string): string {
  return INTRODUCTION + limitsTable(LIMITS, source) + NOTES + limitsTable(EDGE_LIMITS, edgeSource) + FRONT +
    limitsTable(SERVER_LIMITS, serverSource) + END;
}

function limitsTable(limits: Readonly<Record<string, number>>, source: string): string {
  const reasons = limitReasons(source);
  const rows = Object.entries(limits).map(([name, value]) => {
    const reason = reasons.get(name);
    if (reason === undefined) throw new Error(`Cannot make page: the limit "${name}" has no reason`);
    return [`\`${name}\``, readable(name, value), reason] as const;
  });
  return table([["limit", "value", "why"], ...rows]);
}

/** The comment before each member. */
function limitReasons(source: string): Map<string, string> {
  const members = source.matchAll(/\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*(\w+):/g);
  return new Map(Array.from(members, ([, comment = "", name = ""]) => {
    const text = comment.replace(/^\s*\*\s?/gm, "").replace(/\s+/g, " ").trim();
    return [name, text.replace(/\{@linkcode (?:LIMITS\.)?(\w+)\}/g, "`$1`").replaceAll("|", "\\|").replace(/\.$/, "")];
  }));
}

/** A number with the unit that its name ends in. */
function readable(name: string, value: number): string {
  if (name.endsWith("Ms")) return value % 1000 === 0 ? `${value / 1000} s` : `${value} ms`;
  if (!name.endsWith("Bytes")) return value.toLocaleString("en");
  if (value % 2 ** 20 === 0) return `${value / 2 ** 20} MiB`;
  return value % 2 ** 10 === 0 ? `${value / 2 ** 10} KiB` : `${value} bytes`;
}

/** A Markdown table as `deno fmt` leaves it. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |\n`;
  const [head = [], ...body] = rows;
  return line(head) + line(widths.map((width) => "-".repeat(width))) + body.map(line).join("");
}

if (import.meta.main) {
  const urls = [LIMITS_SOURCE, EDGE_LIMITS_SOURCE, SERVER_LIMITS_SOURCE];
  const [source = "", edgeSource = "", serverSource = ""] = await Promise.all(
    urls.map((url) => Deno.readTextFile(url)),
  );
  await Deno.writeTextFile(LIMITS_PAGE, limitsPage(source, edgeSource, serverSource));
}
