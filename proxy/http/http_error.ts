/** Why a message was refused. Stable; shown to the contained program and to the operator. */
export type HttpErrorCode =
  | "HTTP_LINE_INVALID"
  | "HTTP_HEAD_TOO_LARGE"
  | "HTTP_HEAD_CUT_OFF"
  | "HTTP_START_LINE_INVALID"
  | "HTTP_VERSION_UNSUPPORTED"
  | "HTTP_FIELD_INVALID"
  | "HTTP_FIELD_REPEATED"
  | "HTTP_FRAMING_INVALID"
  | "HTTP_CHUNK_INVALID"
  | "HTTP_BODY_CUT_OFF"
  | "HTTP_TRAILER_UNSUPPORTED"
  | "HTTP_TARGET_INVALID"
  | "HTTP_METHOD_REFUSED"
  | "HTTP_UPGRADE_REFUSED"
  | "HTTP_EXPECTATION_UNKNOWN"
  | "HTTP_HOST_MISMATCH"
  | "HTTP_RESPONSE_INVALID";

/**
 * A message on the wire breaks the grammar or asks for what is not carried.
 *
 * `message` is the code: bytes from the wire never reach a message.
 */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: HttpErrorCode;
  /** What a client is answered. */
  readonly status: number;

  constructor(code: HttpErrorCode, status: number) {
    super(code);
    this.code = code;
    this.status = status;
  }
}
