import { pointer } from "../../policy/placement.ts";
import { Refusal } from "../refusal.ts";
import { type BodyField, utf8Bytes } from "./body_field.ts";

/**
 * The parts of a `multipart/form-data` body (RFC 7578), each a field by its name.
 *
 * @throws {Refusal} for a body that is not as its boundary says.
 */
export function multipartFields(text: string, contentType: string): BodyField[] {
  const boundary = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^;\s"]{1,70}))/i.exec(contentType);
  if (boundary === null) throw malformed();
  const delimiter = `\r\n--${boundary[1] ?? boundary[2]}`;
  // The first delimiter stands at the start, without the line end before it; a preamble is refused.
  const sections = `\r\n${text}`.split(delimiter);
  if (sections[0] !== "" || !sections.at(-1)!.startsWith("--")) throw malformed();
  const fields: BodyField[] = [];
  let at = sections[0].length + delimiter.length - 2;
  for (const section of sections.slice(1, -1)) {
    const head = section.indexOf("\r\n\r\n");
    if (!section.startsWith("\r\n") || head < 0) throw malformed();
    const name = partName(section.slice(2, head));
    fields.push({ start: at + head + 4, end: at + section.length, field: pointer([name]), encode: partBytes });
    at += section.length + delimiter.length;
  }
  return fields;
}

/** As every client writes it: readers differ on which of two names counts, and on folded lines. */
const DISPOSITION_REGEXP =
  /^content-disposition: *form-data; *name="([^"\\]*)"(?:; *filename="[^"\\]*")?(?:; *filename\*=[^;\s"]+)?$/i;

/** The name in a part's head, which names it once. */
function partName(head: string): string {
  let found: string | undefined;
  for (const line of head.split("\r\n")) {
    const [, header] = /^([A-Za-z0-9-]+):[^\r\n]*$/.exec(line) ?? [];
    if (header === undefined) throw malformed();
    if (header.toLowerCase() !== "content-disposition") continue;
    const name = DISPOSITION_REGEXP.exec(line)?.[1];
    if (name === undefined || found !== undefined) throw malformed();
    found = name;
  }
  if (found === undefined) throw malformed();
  return found;
}

/** A value with a line that looks like a delimiter would end its part (RFC 2046 §5.1.1). */
function partBytes(real: string): string {
  if (real.includes("\r\n--")) throw new Refusal("PROXY_VALUE_UNSENDABLE");
  return utf8Bytes(real);
}

function malformed(): Refusal {
  return new Refusal("PROXY_TOKEN_MISPLACED", { detail: "the body is not plain multipart/form-data" });
}
