import { Denial } from "../../../policy/server/denial.ts";
import { parseStrictJson } from "../identity/strict_json.ts";

/**
 * Reads the JSON of a request, in which nothing can be read in two ways (RFC 8259 §4, §8.1).
 *
 * @throws {Denial} `REQUEST_INVALID`; it never holds anything of the input.
 */
export function parseRequestJson(bytes: Uint8Array, maxDepth: number): unknown {
  try {
    return parseStrictJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), { maxDepth });
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw new Denial("REQUEST_INVALID", {
      detail: "the body is not JSON in UTF-8, or has a name twice, a number that cannot be held, or too deep nesting",
    });
  }
}
