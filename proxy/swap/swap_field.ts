import type { Field } from "../http/fields.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { Refusal } from "../refusal.ts";
import type { TokenGrant } from "../token_table.ts";
import { requireGrant, type SwapContext } from "./grant.ts";

/**
 * Whether a value may stand in a header: control characters would end or split it (TM-22).
 *
 * @param real One character for each byte.
 */
export function isSendable(real: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/[\x00-\x08\x0a-\x1f\x7f]/.test(real);
}

/** `rest` is the field's text with its tokens taken out. */
export interface SwappedField {
  readonly value: string;
  readonly rest: string;
}

/**
 * Replaces each masked token in a header field by its secret value.
 *
 * The value is replaced in one pass and never read again, so that a value that holds a token stays as it is (TM-23).
 *
 * @param fields All of the head.
 * @returns Undefined if it holds none.
 * @throws {Refusal} if a token stands where its secret may not, in a field that is repeated, or may not go to the
 * destination.
 */
export function swapField(field: Field, fields: readonly Field[], context: SwapContext): SwappedField | undefined {
  const swapped = swapBasic(field, context) ?? swapPlain(field, context);
  if (swapped === undefined) return undefined;
  if (fields.some((other) => other !== field && folded(other.lower) === folded(field.lower))) {
    throw new Refusal("PROXY_TOKEN_REPEATED");
  }
  return swapped;
}

/** Many servers make the same variable of "X-Api-Key" and "X_Api_Key" (RFC 3875 §4.1.18; TM-20). */
function folded(name: string): string {
  return name.replaceAll("_", "-");
}

function swapPlain(field: Field, context: SwapContext): SwappedField | undefined {
  const { tokens } = context;
  if (!tokens.standIn(field.value)) return undefined;
  const place = { kind: "header", name: field.lower } as const;
  const value = tokens.replace(field.value, (token) => reveal(requireGrant(token, place, context), (text) => text));
  return { value, rest: tokens.without(field.value) };
}

/** Basic authentication (RFC 7617): only canonical base64 of UTF-8 with a colon is touched. */
function swapBasic(field: Field, context: SwapContext): SwappedField | undefined {
  const [, scheme, encoded] = /^(basic +)([A-Za-z0-9+/]+={0,2})$/i.exec(field.value) ?? [];
  if (scheme === undefined || encoded === undefined || encoded.length % 4 !== 0) return undefined;
  const binary = atob(encoded);
  if (btoa(binary) !== encoded || !binary.includes(":") || !context.tokens.standIn(binary)) return undefined;
  if (!isUtf8(encodeLatin1(binary))) return undefined;
  const user = binary.slice(0, binary.indexOf(":"));
  const swap = (text: string, isUser: boolean) =>
    context.tokens.replace(text, (token) => {
      const grant = requireGrant(token, { kind: "header", name: field.lower }, context);
      return reveal(grant, (real) => {
        // A colon would move the border between user and password (RFC 7617 §2).
        if (isUser && real.includes(":")) throw new Refusal("PROXY_VALUE_UNSENDABLE", { secret: grant.name });
        return real;
      });
    });
  const value = swap(user, true) + swap(binary.slice(user.length), false);
  return { value: scheme + btoa(value), rest: context.tokens.without(binary) };
}

/** Hands out the value as one character for each byte. */
function reveal(grant: TokenGrant, use: (real: string) => string): string {
  return grant.real.reveal((bytes) => {
    const real = decodeLatin1(bytes);
    if (!isSendable(real)) throw new Refusal("PROXY_VALUE_UNSENDABLE", { secret: grant.name });
    return use(real);
  });
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
