import { createHash, createHmac } from "node:crypto";

// The form of one line of the audit log, which is the form that `kz audit verify` checks: the bytes as they stand.
//
// {"v":1,"seq":7,"at":"2026-01-02T03:04:05.678Z","run":"<16 hex>", …the event… ,"prev":"<64 hex>","hash":"<64 hex>"}
//
// `hash` is the SHA-256 of all that stands before `,"hash":`; `prev` is the `hash` of the line before, so that one known
// hash vouches for every line up to it. With a key, `,"mac":"<64 hex>"` follows: HMAC-SHA-256 of the `hash`. A line is
// ASCII: `JSON` escapes stand for the rest, so that a log can be shown on a terminal and a byte is a character.

/** A place in a chain: the last line so far. */
export interface ChainPosition {
  /** From 1, without a gap, also from one file to the next. */
  readonly seq: number;
  /** 64 hexadecimal digits. */
  readonly hash: string;
}

/** Before the first line of all. */
export const CHAIN_START: ChainPosition = { seq: 0, hash: "0".repeat(64) };

/** No line of ours is longer: the fields are cut to some 2,500 characters, of which each may take six. */
export const MAX_LINE_BYTES = 32 * 1024;

/** The first line of every file. Its `prev` is that of the file before, or zeros. */
export const GENESIS = { event: "genesis" } as const;

/** What a line says, without its place in the chain: in the order in which it is written. */
export type AuditFields = Readonly<Record<string, string | number>>;

/** A line that has its place in the chain. */
export interface SealedLine {
  /** Without a line break. */
  readonly text: string;
  readonly fields: AuditFields;
  readonly position: ChainPosition;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What all lines of one writer have in common. */
export interface Sealing {
  /** A random id of this process, 16 hexadecimal digits. */
  readonly run: string;
  /** 32 bytes; undefined: lines have no MAC. */
  readonly key: Uint8Array | undefined;
}

/** @param at Milliseconds since the epoch. */
export function sealLine(
  { fields, at }: { fields: AuditFields; at: number },
  after: ChainPosition,
  { run, key }: Sealing,
): SealedLine {
  const seq = after.seq + 1;
  const whole = JSON.stringify({ v: 1, seq, at: new Date(at).toISOString(), run, ...fields, prev: after.hash });
  const content = toAscii(whole.slice(0, -1));
  const hash = hashOf(content);
  const mac = key === undefined ? "" : `,"mac":"${macOf(hash, key)}"`;
  return { text: `${content},"hash":"${hash}"${mac}}`, fields, position: { seq, hash }, at };
}

/** A line taken apart. That its `hash` and `mac` are right is for {@linkcode isHashRight} and {@linkcode isMacRight}. */
export interface ParsedLine {
  /** All that the hash covers. */
  readonly content: string;
  readonly position: ChainPosition;
  readonly prev: string;
  readonly mac: string | undefined;
  readonly isGenesis: boolean;
}

const LINE_REGEXP =
  /^(\{"v":1,"seq":([1-9]\d{0,14}),"at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","run":"[0-9a-f]{16}",("event":"genesis")?[\x20-\x7e]*,"prev":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"(?:,"mac":"([0-9a-f]{64})")?\}$/;

/** @returns Undefined for what is no line of ours. */
export function parseLine(text: string): ParsedLine | undefined {
  const match = LINE_REGEXP.exec(text);
  if (match === null) return undefined;
  const [, content = "", seq = "", genesis, prev = "", hash = "", mac] = match;
  return { content, position: { seq: Number(seq), hash }, prev, mac, isGenesis: genesis !== undefined };
}

export function isHashRight({ content, position }: ParsedLine): boolean {
  return hashOf(content) === position.hash;
}

export function isMacRight({ position, mac }: ParsedLine, key: Uint8Array): boolean {
  return mac === macOf(position.hash, key);
}

// ASCII is the same bytes in UTF-8, which Deno encodes ten times as fast as Latin-1.

function hashOf(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

function macOf(hash: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(hash).digest("hex");
}

/** Writes everything but printable ASCII as an escape; in JSON, such a character stands within a string alone. */
function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
