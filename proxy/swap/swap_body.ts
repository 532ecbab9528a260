import { pointer } from "../../policy/placement.ts";
import { concatAll } from "../concat.ts";
import { type Field, single } from "../http/fields.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { Refusal } from "../refusal.ts";
import type { TokenGrant } from "../token_table.ts";
import { type BodyField, utf8Bytes } from "./body_field.ts";
import { refuseDisguisedBytes } from "./disguise.ts";
import { requireGrant, revealText, type SwapContext } from "./grant.ts";
import { jsonStrings } from "./json_strings.ts";
import { multipartFields } from "./multipart_fields.ts";

/**
 * Replaces each masked token in a whole body by its secret value, in the encoding of its place: JSON string, form
 * parameter, multipart part, or plain.
 *
 * @param bytes Without content coding.
 * @param fields The request's, for its media type.
 * @returns The new body; `bytes` itself if there is no token in it.
 * @throws {Refusal} if a token stands where its secret may not, or is disguised, or the body does not parse as its media
 * type says.
 */
export function swapBody(bytes: Uint8Array, fields: readonly Field[], context: SwapContext): Uint8Array {
  const text = decodeLatin1(bytes);
  if (!context.tokens.standIn(text)) {
    refuseDisguisedBytes(bytes, context);
    return bytes;
  }
  const out: Uint8Array[] = [];
  let rest = "";
  let from = 0;
  for (const place of bodyFields(text, single(fields, "content-type") ?? "")) {
    const value = text.slice(place.start, place.end);
    if (!context.tokens.standIn(value)) continue;
    const swapped = context.tokens.replace(value, (token) => {
      const grant: TokenGrant = requireGrant(token, { kind: "body", field: place.field }, context);
      return revealText(grant, place.encode);
    });
    const before = text.slice(from, place.start);
    out.push(encodeLatin1(before + swapped));
    rest += before + context.tokens.without(value);
    from = place.end;
  }
  rest += text.slice(from);
  // Also a token outside every field: in a name, a comment, a preamble.
  refuseDisguisedBytes(encodeLatin1(rest), context);
  return concatAll([...out, bytes.subarray(from)]);
}

function bodyFields(text: string, contentType: string): readonly BodyField[] {
  const mediaType = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (mediaType === "application/json" || mediaType.endsWith("+json")) return jsonFields(text);
  if (mediaType === "application/x-www-form-urlencoded") return formFields(text);
  if (mediaType === "multipart/form-data") return multipartFields(text, contentType);
  return [{ start: 0, end: text.length, field: undefined, encode: utf8Bytes }];
}

function jsonFields(text: string): BodyField[] {
  try {
    JSON.parse(text);
    return jsonStrings(text).filter(({ isName }) => !isName).map(({ start, end, pointer }) => ({
      start,
      end,
      field: pointer,
      encode: (real) => utf8Bytes(JSON.stringify(real).slice(1, -1)),
    }));
  } catch {
    throw new Refusal("PROXY_TOKEN_MISPLACED", { detail: "the body is not plain JSON" });
  }
}

function formFields(text: string): BodyField[] {
  const fields: BodyField[] = [];
  let start = 0;
  for (const parameter of text.split("&")) {
    const equals = parameter.indexOf("=");
    if (equals >= 0) {
      const [[name = ""] = []] = new URLSearchParams(parameter);
      fields.push({
        start: start + equals + 1,
        end: start + parameter.length,
        field: pointer([name]),
        encode: encodeURIComponent,
      });
    }
    start += parameter.length + 1;
  }
  return fields;
}
