import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { Refusal } from "../refusal.ts";
import { utf8Bytes } from "../swap/body_field.ts";
import { refuseDisguised, refuseDisguisedBytes } from "../swap/disguise.ts";
import { requireGrant, revealText, type SwapContext } from "../swap/grant.ts";
import { jsonStrings } from "../swap/json_strings.ts";

/** A part of a message that tokens are replaced in. */
interface Place {
  readonly start: number;
  readonly end: number;
  /** Writes a value there, one character a byte. */
  readonly encode: (real: string) => string;
}

/**
 * Replaces each masked token in a text message by its secret value: in a message that is JSON within strings, escaped;
 * in any other as it is.
 *
 * @param bytes The whole message.
 * @returns The new message; `bytes` itself if there is no token in it.
 * @throws {Refusal} if the secret may not stand in a WebSocket message or not go there, or a token is disguised.
 */
export function swapMessage(bytes: Uint8Array, context: SwapContext): Uint8Array {
  const text = decodeLatin1(bytes);
  if (!context.tokens.standIn(text)) {
    refuseDisguisedBytes(bytes, context);
    return bytes;
  }
  let out = "";
  let rest = "";
  let from = 0;
  for (const { start, end, encode } of placesIn(text)) {
    const value = text.slice(start, end);
    if (!context.tokens.standIn(value)) continue;
    const swapped = context.tokens.replace(
      value,
      (token) => revealText(requireGrant(token, { kind: "websocket" }, context), encode),
    );
    const before = text.slice(from, start);
    out += before + swapped;
    rest += before + context.tokens.without(value);
    from = end;
  }
  // What is left of the message may still hold one: in a member's name, or in disguise.
  rest += text.slice(from);
  refusePlain(rest, context);
  refuseDisguised(rest, context);
  return encodeLatin1(out + text.slice(from));
}

/**
 * Refuses bytes that hold a token where none is replaced: a binary message, a control frame (TM-05).
 *
 * @throws {Refusal} which names the secret where its token is not disguised.
 */
export function refuseTokenBytes(bytes: Uint8Array, context: SwapContext): void {
  refusePlain(decodeLatin1(bytes), context);
  refuseDisguisedBytes(bytes, context);
}

function refusePlain(text: string, { tokens }: SwapContext): void {
  if (!tokens.standIn(text)) return;
  tokens.replace(text, (token) => {
    const secret = tokens.get(token)?.name;
    throw secret === undefined ? new Refusal("PROXY_TOKEN_UNKNOWN") : new Refusal("PROXY_TOKEN_MISPLACED", { secret });
  });
}

function placesIn(text: string): readonly Place[] {
  if (!isJson(text)) return [{ start: 0, end: text.length, encode: utf8Bytes }];
  try {
    return jsonStrings(text).filter(({ isName }) => !isName).map(({ start, end }) => ({
      start,
      end,
      encode: (real) => utf8Bytes(JSON.stringify(real).slice(1, -1)),
    }));
  } catch {
    throw new Refusal("PROXY_TOKEN_MISPLACED", { detail: "the message is not plain JSON" });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
