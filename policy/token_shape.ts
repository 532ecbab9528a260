import { AppError } from "./error.ts";
import { type MaskedToken, maskedTokenOf, MAX_TOKEN_LENGTH, TOKEN_PREFIX, TOKEN_RANDOM_BYTES } from "./masked_token.ts";

/** `count` characters, each drawn from `alphabet`. */
interface RandomPart {
  readonly alphabet: string;
  readonly count: number;
}

/** What a token looks like, for programs that check what they are given before they send it. */
export type TokenShape =
  | { readonly kind: "template"; readonly parts: readonly (string | RandomPart)[] }
  /** The prefix, 30 random characters and their checksum. */
  | { readonly kind: "checksummed"; readonly prefix: string }
  | { readonly kind: "jwt" };

const DIGITS = "0123456789";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
/** In the order of GitHub's checksum. */
const BASE62 = DIGITS + UPPER + LOWER;
const HEX = "0123456789abcdef";

/** What may stand in braces. All of it survives a URL, a header, a JSON string and a shell unescaped. */
const ALPHABETS: ReadonlyMap<string, string> = new Map([
  ["alnum", BASE62],
  ["alpha", UPPER + LOWER],
  ["upper", UPPER],
  ["lower", LOWER],
  ["digit", DIGITS],
  ["hex", HEX],
  // RFC 4648 §6
  ["base32", `${UPPER}234567`],
  ["base36", DIGITS + LOWER],
  // RFC 4648 §5
  ["base64url", `${BASE62}-_`],
]);

const random = (alphabet: string, count: number): RandomPart => ({ alphabet, count });

/** Shapes with a name. */
const NAMED: ReadonlyMap<string, string | TokenShape> = new Map<string, string | TokenShape>([
  ["masked", { kind: "template", parts: [TOKEN_PREFIX, random(HEX, 2 * TOKEN_RANDOM_BYTES)] }],
  ["anthropic", "sk-ant-api03-{alnum:93}AA"],
  ["aws-key-id", "AKIA{base32:16}"],
  // Real ones have "/" and "+" too, which URLs escape.
  ["aws-secret", "{alnum:40}"],
  ["github", { kind: "checksummed", prefix: "ghp_" }],
  ["github-fine-grained", "github_pat_{alnum:22}_{alnum:59}"],
  ["gitlab", "glpat-{alnum:20}"],
  ["huggingface", "hf_{alpha:34}"],
  ["jwt", { kind: "jwt" }],
  ["npm", { kind: "checksummed", prefix: "npm_" }],
  ["openai", "sk-proj-{alnum:48}"],
  ["sendgrid", "SG.{alnum:22}.{alnum:43}"],
  ["slack-app", "xapp-1-A{upper:10}-{digit:13}-{hex:64}"],
  ["slack-bot", "xoxb-{digit:12}-{digit:13}-{alnum:24}"],
  ["stripe", "sk_live_{alnum:24}"],
  ["stripe-test", "sk_test_{alnum:24}"],
  // RFC 9562 §5.4: version 4, and the two bits of the variant.
  ["uuid", {
    kind: "template",
    parts: [
      ...[random(HEX, 8), "-", random(HEX, 4), "-4", random(HEX, 3), "-"],
      ...[random("89ab", 1), random(HEX, 3), "-", random(HEX, 12)],
    ],
  }],
]);

/** The names that {@linkcode parseTokenShape} reads. */
export const SHAPE_NAMES: readonly string[] = [...NAMED.keys()];

/** Fewer could be met by chance in other text, or stand in another token (TM-23). */
const MIN_RANDOM_BITS = 64;
const PART_REGEXP = /([A-Za-z0-9_.-]+)|\{([a-z0-9]+):(\d{1,3})\}/y;

/**
 * Reads a `shape` as written in a configuration file.
 *
 * @param text A named shape; or a template of letters, digits, "_", "." and "-" and random parts such as `{alnum:48}`.
 * @throws {AppError} `CONFIG_SHAPE_INVALID`; the message never holds `text`, which may be a pasted secret.
 */
export function parseTokenShape(text: string): TokenShape {
  const named = NAMED.get(text);
  if (typeof named === "object") return named;
  const parts = templateParts(named ?? text);
  if (randomBits(parts) < MIN_RANDOM_BITS) throw invalid(`at least ${MIN_RANDOM_BITS} random bits are expected`);
  const length = parts.reduce((sum, part) => sum + (typeof part === "string" ? part.length : part.count), 0);
  if (length > MAX_TOKEN_LENGTH) throw invalid(`at most ${MAX_TOKEN_LENGTH} characters are expected`);
  const [first] = parts;
  if (/[.-]/.test(typeof first === "object" ? first.alphabet : first?.[0] ?? "")) {
    // Where a token is an argument, a hyphen would make it an option.
    throw invalid("a letter, digit or underscore is expected at its beginning");
  }
  if (parts.some((part) => typeof part === "string" && part.includes(TOKEN_PREFIX))) {
    throw invalid("what tokens without a shape begin with is kept for them");
  }
  return { kind: "template", parts };
}

function templateParts(text: string): readonly (string | RandomPart)[] {
  const parts: (string | RandomPart)[] = [];
  const expression = new RegExp(PART_REGEXP);
  while (expression.lastIndex < text.length) {
    const [, literal, name = "", count] = expression.exec(text) ?? [];
    const alphabet = ALPHABETS.get(name);
    if (literal !== undefined) parts.push(literal);
    else if (alphabet !== undefined && Number(count) > 0) parts.push({ alphabet, count: Number(count) });
    else throw invalid('a name, or text with random parts such as "{alnum:48}", is expected');
  }
  return parts;
}

function randomBits(parts: readonly (string | RandomPart)[]): number {
  return parts.reduce(
    (sum, part) => typeof part === "string" ? sum : sum + part.count * Math.log2(part.alphabet.length),
    0,
  );
}

function invalid(state: string): AppError {
  return new AppError("CONFIG_SHAPE_INVALID", `Cannot read token shape: ${state}`, {
    hints: [
      `Write one of: ${SHAPE_NAMES.join(", ")}`,
      `Or write a template such as "sk-{alnum:48}", with ${[...ALPHABETS.keys()].join(", ")} in braces`,
    ],
  });
}

/**
 * Makes a token of a shape.
 *
 * @param source Gives as many bytes as asked, from a cryptographic source. It may be asked more than once.
 * @throws {RangeError} if it does not.
 */
export function makeShapedToken(shape: TokenShape, source: (count: number) => Uint8Array): MaskedToken {
  switch (shape.kind) {
    case "template":
      return maskedTokenOf(shape.parts.map((part) => typeof part === "string" ? part : draw(part, source)).join(""));
    case "checksummed":
      return maskedTokenOf(shape.prefix + withChecksum(draw({ alphabet: BASE62, count: 30 }, source)));
    case "jwt":
      return maskedTokenOf(fakeJwt(source));
  }
}

/** A byte is thrown away with a chance below one half; a source that makes it this far gives no random bytes. */
const MAX_ROUNDS = 256;

function draw({ alphabet, count }: RandomPart, source: (count: number) => Uint8Array): string {
  // Above it, the first characters of the alphabet would be likelier than the others.
  const usable = 256 - 256 % alphabet.length;
  let text = "";
  for (let round = 0; text.length < count; round++) {
    if (round === MAX_ROUNDS) throw new RangeError("Cannot make token: the random source repeats itself");
    for (const byte of take(source, count - text.length)) if (byte < usable) text += alphabet[byte % alphabet.length];
  }
  return text;
}

function take(source: (count: number) => Uint8Array, count: number): Uint8Array {
  const bytes = source(count);
  if (bytes.length !== count) throw new RangeError(`Cannot make token: ${count} random bytes are expected`);
  return bytes;
}

/**
 * Appends the checksum: the CRC-32 of the text, as six digits of base 62.
 *
 * @see https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
function withChecksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let digit = 0; digit < 6; digit++) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return text + digits;
}

/** Of ASCII text; bit by bit, since a token is short (ISO-HDLC, the CRC of gzip: RFC 1952 §8). */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0xedb88320);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** 2025-01-01 and 2100-01-01, both 00:00 UTC: issued before, expired after anybody looks at it. */
const JWT_TIMES = { iat: 1735689600, exp: 4102444800 };

/** A JWT (RFC 7519) that can be read and that nobody signed. */
function fakeJwt(source: (count: number) => Uint8Array): string {
  const claims = `${JWT_CLAIMS}${draw({ alphabet: HEX, count: JWT_ID_LENGTH }, source)}"}`;
  return [JWT_HEADER, base64url(utf8(claims)), base64url(take(source, 32))].join(".");
}

const JWT_ID_LENGTH = 32;
/** Its claims but for the id, which is the last. */
const JWT_CLAIMS = JSON.stringify({ iss: "keyzero", sub: "masked", ...JWT_TIMES, jti: "" }).slice(0, -2);
const JWT_HEADER = base64url(utf8(JSON.stringify({ alg: "HS256", typ: "JWT" })));

/** What every token of the shape `jwt` begins with, and nothing else does. */
export const JWT_TOKEN_PREFIX = `${JWT_HEADER}.${
  base64url(utf8(JWT_CLAIMS)).slice(0, Math.floor(JWT_CLAIMS.length / 3) * 4)
}`;

/** Finds tokens of the shape `jwt`. A new expression each call, since a global one keeps state. */
export function jwtTokenRegExp(): RegExp {
  const rest = Math.ceil((JWT_CLAIMS.length % 3 + JWT_ID_LENGTH + '"}'.length) * 4 / 3);
  return new RegExp(`${JWT_TOKEN_PREFIX.replace(".", "\\.")}[A-Za-z0-9_-]{${rest}}\\.[A-Za-z0-9_-]{43}`, "g");
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
