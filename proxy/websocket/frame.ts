/** Frame types (RFC 6455 §5.2). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** What a data message is made of. */
export type DataKind = "text" | "binary";

/** A control frame, always whole. */
export interface ControlFrame {
  readonly kind: "control";
  readonly opcode: typeof OPCODE.close | typeof OPCODE.ping | typeof OPCODE.pong;
  readonly payload: Uint8Array;
}

/** A part of a data message; where frames begin and end within it is not kept. */
export interface DataPiece {
  readonly kind: DataKind;
  readonly payload: Uint8Array;
  /** The first of its message. */
  readonly starts: boolean;
  /** The last of its message. */
  readonly ends: boolean;
}

/** What a stream of frames consists of, unmasked and in order. */
export type FramePiece = ControlFrame | DataPiece;

/** Most that a control frame carries (RFC 6455 §5.5). */
export const MAX_CONTROL_BYTES = 125;

/** Why we close a connection (RFC 6455 §7.4.1, and the registry of §11.7 for the last). */
export const CLOSE = { protocolError: 1002, policyViolation: 1008, tooBig: 1009, tryAgainLater: 1013 } as const;
export type CloseCode = typeof CLOSE[keyof typeof CLOSE];

/** Bytes that are no frames of RFC 6455 without extensions. Nothing of them is in its message. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly closeCode: CloseCode;

  constructor(closeCode: CloseCode) {
    super("Cannot read WebSocket frame: it breaks RFC 6455");
    this.closeCode = closeCode;
  }
}
