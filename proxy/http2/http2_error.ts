/** Codes of RST_STREAM and GOAWAY (RFC 9113 §7). */
export const ERROR_CODES = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

export type Http2ErrorCode = keyof typeof ERROR_CODES;

/** A peer broke the protocol: its connection ends (RFC 9113 §5.4.1). */
export class Http2Error extends Error {
  override readonly name = "Http2Error";
  readonly code: Http2ErrorCode;

  constructor(code: Http2ErrorCode) {
    super(code);
    this.code = code;
  }
}
