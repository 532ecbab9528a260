/** A request that two parsers could read in two ways, or that asks for what is not carried (TM-18, TM-21). */
export interface SmugglingCase {
  readonly why: string;
  /** As sent, one character for each byte. {@linkcode LOGIN} stands for a line of proxy credentials. */
  readonly bytes: string;
  /** To the proxy itself, not inside a tunnel. */
  readonly outside?: true;
  /**
   * The fault stands in a body that streams, so that the host may have seen the beginning of the request; it never sees a
   * whole one.
   */
  readonly streams?: true;
}

/** A case in its table: what is wrong, and what is sent. */
export type Row = readonly [why: string, bytes: string];

/** A line that is replaced by the run's proxy credentials. */
export const LOGIN = "LOGIN";

/** What follows on the connection, and must never be taken for a request. */
export const NEXT = "GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n";

/** A POST with these field lines; the default body is the last chunk alone. */
export function post(fields: string, body = "0\r\n\r\n"): string {
  return `POST / HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n${body}${NEXT}`;
}

/** A request with this request line. */
export function get(line: string, fields = "Host: api.test\r\n"): string {
  return `${line}\r\n${fields}\r\n${NEXT}`;
}
