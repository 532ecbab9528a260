import { Http2Error } from "../http2_error.ts";

/**
 * The lengths of the codes of all bytes, and of the end, as letters: "a" is five bits. The code is canonical, so that they
 * are all there is to know (RFC 7541 Appendix B).
 */
const LENGTHS = "isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhfibcccccccccccccccccccc" +
  "ccdcdioijbkabababbbaccbbbabcbaabccccckgjixprpprrrsrssssststtrstssssqrsrsstrqprrssqsrrt" +
  "qrssqqrqsrssprrrsrrsvvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwvz";

const SHORTEST = 5;
const LONGEST = 30;
const END = 256;

/** Symbols in the order of their codes. */
const SYMBOLS: readonly number[] = Array.from(LENGTHS, (_, symbol) => symbol)
  .sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);

/** For each length: its first code, how many it has, and where their symbols begin. */
const CODES: readonly { readonly first: number; readonly count: number; readonly at: number }[] = codes();

function lengthOf(symbol: number): number {
  return LENGTHS.charCodeAt(symbol) - "a".charCodeAt(0) + SHORTEST;
}

function codes() {
  const all: { first: number; count: number; at: number }[] = [];
  let first = 0;
  let at = 0;
  for (let length = 0; length <= LONGEST; length++) {
    const count = SYMBOLS.filter((symbol) => lengthOf(symbol) === length).length;
    all.push({ first, count, at });
    first = (first + count) * 2;
    at += count;
  }
  return all;
}

/**
 * Reads a string that is Huffman-encoded (RFC 7541 §5.2).
 *
 * @returns One character for each byte.
 * @throws {Http2Error} for a code that is none, for the end in it, and for padding that is not its beginning.
 */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = "";
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length++;
      if (length > LONGEST) throw new Http2Error("COMPRESSION_ERROR");
      const { first, count, at } = CODES[length]!;
      if (code - first >= count) continue;
      const symbol = SYMBOLS[at + code - first]!;
      if (symbol === END) throw new Http2Error("COMPRESSION_ERROR");
      text += String.fromCharCode(symbol);
      code = length = 0;
    }
  }
  if (length > 7 || code !== 2 ** length - 1) throw new Http2Error("COMPRESSION_ERROR");
  return text;
}
