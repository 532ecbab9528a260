import type { Style } from "../../terminal/style.ts";
import { printable } from "../../terminal/report_error.ts";

/** What a line says, fit for a terminal; nothing of it is trusted. */
export type ShownFields = ReadonlyMap<string, string | number>;

/** @returns Undefined for what is no JSON object. */
export function readFields(text: string): ShownFields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = new Map<string, string | number>();
  for (const [name, field] of Object.entries(value)) {
    if (typeof field === "string") fields.set(printable(name), printable(field));
    else if (typeof field === "number") fields.set(printable(name), field);
  }
  return fields;
}

/** One line for people: time, outcome, what was done, who, what, by which policy, where, and why not. */
export function describeLine(fields: ShownFields, style: Style): string {
  const field = (name: string) => String(fields.get(name) ?? "");
  const outcome = field("outcome").padEnd(7);
  const [issuer, subject] = [field("issuer"), field("subject")];
  const host = [field("method"), field("host") + after(":", field("port"))].filter((text) => text !== "").join(" ");
  const parts = [
    field("at"),
    field("outcome") === "allowed" ? outcome : style.error(outcome),
    field("event").padEnd(7),
    subject + (issuer === "" ? "" : ` (${issuer})`),
    field("ref"),
    after("policy ", field("policy")),
    field("mode"),
    after("token ", field("tokenId")),
    after("tokens of ", field("revokedSubject") + (field("revokedIssuer") && ` (${field("revokedIssuer")})`)),
    host,
    field("status"),
    field("code"),
    field("detail"),
  ];
  return parts.filter((part) => part.trim() !== "").join("  ");
}

function after(before: string, text: string): string {
  return text === "" ? "" : before + text;
}
