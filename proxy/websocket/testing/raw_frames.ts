/** Frames as text, one character a byte, written and read without the code under test; valid or not. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload?: string;
  /** Default: the last of its message. */
  readonly fin?: boolean;
  /** The three reserved bits, as a number up to 7. */
  readonly rsv?: number;
  /** Bytes of the extended length; default: as few as do. */
  readonly lengthBytes?: 0 | 2 | 8;
}

export interface SeenFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly masked: boolean;
  readonly mask: string;
  readonly payload: string;
}

const MASK = "\x12\x34\x56\x78";

/** A frame as a client sends it. */
export function clientFrame(frame: RawFrame): string {
  return write(frame, MASK);
}

/** A frame as a server sends it. */
export function hostFrame(frame: RawFrame): string {
  return write(frame, undefined);
}

function write({ opcode, payload = "", fin = true, rsv = 0, lengthBytes }: RawFrame, mask: string | undefined): string {
  const { length } = payload;
  const bytes = lengthBytes ?? (length < 126 ? 0 : length < 65536 ? 2 : 8);
  const first = String.fromCharCode((fin ? 0x80 : 0) | (rsv << 4) | opcode);
  const short = bytes === 0 ? length : bytes === 2 ? 126 : 127;
  const second = String.fromCharCode((mask === undefined ? 0 : 0x80) | short);
  let extended = "";
  for (let at = bytes - 1; at >= 0; at--) extended += String.fromCharCode(Math.floor(length / 256 ** at) % 256);
  return first + second + extended + (mask ?? "") + (mask === undefined ? payload : masked(payload, mask));
}

/** Applies a mask, or takes it away. */
function masked(payload: string, mask: string): string {
  const parts: string[] = [];
  for (let at = 0; at < payload.length; at++) {
    parts.push(String.fromCharCode(payload.charCodeAt(at) ^ mask.charCodeAt(at % 4)));
  }
  return parts.join("");
}

/** Reads the whole frames at the beginning of `text`. */
export function readFrames(text: string): { readonly frames: SeenFrame[]; readonly rest: string } {
  const frames: SeenFrame[] = [];
  let at = 0;
  for (;;) {
    const first = text.charCodeAt(at);
    const second = text.charCodeAt(at + 1);
    if (Number.isNaN(second)) break;
    const short = second & 0x7f;
    const bytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    let length = bytes === 0 ? short : 0;
    for (let i = 0; i < bytes; i++) length = length * 256 + text.charCodeAt(at + 2 + i);
    const isMasked = (second & 0x80) !== 0;
    const start = at + 2 + bytes + (isMasked ? 4 : 0);
    if (Number.isNaN(length) || start + length > text.length) break;
    const mask = isMasked ? text.slice(start - 4, start) : "";
    const payload = text.slice(start, start + length);
    frames.push({
      opcode: first & 0x7f,
      fin: (first & 0x80) !== 0,
      masked: isMasked,
      mask,
      payload: isMasked ? masked(payload, mask) : payload,
    });
    at = start + length;
  }
  return { frames, rest: text.slice(at) };
}

/** The payload of a Close frame. */
export function closePayload(code: number, reason = ""): string {
  return String.fromCharCode(code >> 8, code & 0xff) + reason;
}
