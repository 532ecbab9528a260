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
    const name = /^content-disposition: *form-data *;(?:[^\r\n]*;)? *name="([^"\r\n]*)"/im.exec(section.slice(0, head))
      ?.[1];
    if (!section.startsWith("\r\n") || head < 0 || name === undefined) throw malformed();
    fields.push({ start: at + head + 4, end: at + section.length, field: pointer([name]), encode: partBytes });
    at += section.length + delimiter.length;
  }
  return fields;
}

/** A value with a line that looks like a delimiter would end its part (RFC 2046 §5.1.1). */
function partBytes(real: string): string {
  if (real.includes("\r\n--")) throw new Refusal("PROXY_VALUE_UNSENDABLE");
  return utf8Bytes(real);
}

function malformed(): Refusal {
  return new Refusal("PROXY_TOKEN_MISPLACED", { detail: "the body is not plain multipart/form-data" });
}
