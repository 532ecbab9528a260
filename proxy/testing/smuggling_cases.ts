/** A request that two parsers could read in two ways, or that asks for what is not carried (TM-18, TM-21). */
export interface SmugglingCase {
  readonly why: string;
  /** As sent, one character for each byte. `LOGIN` stands for a line of proxy credentials. */
  readonly bytes: string;
  /** To the proxy itself, not inside a tunnel. */
  readonly outside?: true;
  /**
   * The fault stands in a body that streams, so that the host may have seen the beginning of the request; it never sees a
   * whole one.
   */
  readonly streams?: true;
}

/** A line that is replaced by the run's proxy credentials. */
export const LOGIN = "LOGIN";

/** What follows on the connection, and must never be taken for a request. */
const NEXT = "GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n";

const post = (fields: string, body = "0\r\n\r\n") => `POST / HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n${body}${NEXT}`;
const get = (line: string, fields = "Host: api.test\r\n") => `${line}\r\n${fields}\r\n${NEXT}`;
const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body);

const LENGTHS: readonly (readonly [why: string, value: string])[] = [
  ["a plus sign", "+5"],
  ["a minus sign", "-5"],
  ["a leading zero", "05"],
  ["hexadecimal", "0x5"],
  ["a hexadecimal digit", "a"],
  ["an exponent", "5e0"],
  ["a fraction", "5.0"],
  ["a list of two that agree", "5, 5"],
  ["a list of two that differ", "5, 6"],
  ["an inner space", "5 5"],
  ["nothing", ""],
  ["a word", "five"],
  ["sixteen digits", "1000000000000000"],
  ["more than 64 bits", "18446744073709551621"],
  ["a vertical tab", "5\x0b"],
  ["a non-breaking space", "5\xa0"],
  ["an Arabic digit in UTF-8", "\xd9\xa5"],
  ["a comma at the end", "5,"],
  ["a semicolon", "5;"],
  ["quotes", '"5"'],
];

const CODINGS: readonly (readonly [why: string, value: string])[] = [
  ["xchunked", "xchunked"],
  ["identity", "identity"],
  ["gzip", "gzip"],
  ["gzip, chunked", "gzip, chunked"],
  ["chunked, gzip", "chunked, gzip"],
  ["chunked, identity", "chunked, identity"],
  ["chunked twice in a list", "chunked, chunked"],
  ["chunked with a parameter", "chunked;q=1"],
  ["chunked in quotes", '"chunked"'],
  ["chunked with a comma before it", ",chunked"],
  ["chunked with a vertical tab before it", "\x0bchunked"],
  ["chunked with a control byte after it", "chunked\x01"],
  ["chunked with a non-breaking space", "chunked\xa0"],
  ["nothing", ""],
];

const CHUNKS: readonly (readonly [why: string, body: string])[] = [
  ["a chunk extension", "5;a=b\r\nhello\r\n0\r\n\r\n"],
  ["an extension on the last chunk", "5\r\nhello\r\n0;a\r\n\r\n"],
  ["a space after the size", "5 \r\nhello\r\n0\r\n\r\n"],
  ["a space before the size", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a tab after the size", "5\t\r\nhello\r\n0\r\n\r\n"],
  ["0x before the size", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a signed size", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a negative size", "-1\r\nhello\r\n0\r\n\r\n"],
  ["no size", "\r\nhello\r\n0\r\n\r\n"],
  ["a size that is a word", "five\r\nhello\r\n0\r\n\r\n"],
  ["a size over 52 bits", "fffffffffffffff\r\nhello\r\n0\r\n\r\n"],
  ["a size that wraps to 5 in 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a size with many zeros", "00000000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a size line ended by LF", "5\nhello\r\n0\r\n\r\n"],
  ["a size line ended by CR", "5\rhello\r\n0\r\n\r\n"],
  ["a size line ended by CR CR LF", "5\r\r\nhello\r\n0\r\n\r\n"],
  ["no CR LF after the chunk", "5\r\nhello0\r\n\r\n"],
  ["LF alone after the chunk", "5\r\nhello\n0\r\n\r\n"],
  ["two bytes that are not CR LF after the chunk", "5\r\nhelloXX0\r\n\r\n"],
  ["a chunk that is longer than its size", "4\r\nhello\r\n0\r\n\r\n"],
  ["a NUL in the size line", "5\x00\r\nhello\r\n0\r\n\r\n"],
  ["an LF in place of the last empty line", "5\r\nhello\r\n0\r\n\n"],
  ["a trailer", "5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n"],
  ["a trailer that frames", "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"],
  ["a trailer that is no field", "5\r\nhello\r\n0\r\nX Late\r\n\r\n"],
];

const HEADS: readonly (readonly [why: string, bytes: string])[] = [
  ["CL and TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")],
  ["TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")],
  ["CL and TE, spelled in capitals", post("CONTENT-LENGTH: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n")],
  ["CL of zero and TE", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n")],
  ["CL and TE identity", post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello")],
  ["two CL that agree", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")],
  ["two CL that differ", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")],
  ["two TE", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")],
  ["TE and TE identity", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")],
  ["TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT],
  ["white space before TE's colon", post("Transfer-Encoding : chunked\r\n")],
  ["a tab before TE's colon", post("Transfer-Encoding\t: chunked\r\n")],
  ["white space before CL's colon", post("Content-Length : 5\r\n", "hello")],
  ["a space before TE", post(" Transfer-Encoding: chunked\r\n")],
  ["a CR before TE's colon", post("Transfer-Encoding\r: chunked\r\n")],
  ["a NUL after TE", post("Transfer-Encoding\x00: chunked\r\n")],
  ["a folded TE", post("Transfer-Encoding:\r\n chunked\r\n")],
  ["a folded field", post("X-A: 1\r\n\tContent-Length: 5\r\n", "hello")],
  ["a folded first line", "GET / HTTP/1.1\r\n X: y\r\nHost: api.test\r\n\r\n" + NEXT],
  ["an LF alone after a field", post("X-A: 1\nTransfer-Encoding: chunked\r\n")],
  ["an LF alone after the request line", "GET / HTTP/1.1\nHost: api.test\r\n\r\n" + NEXT],
  ["LF LF at the end of the head", "GET / HTTP/1.1\r\nHost: api.test\n\n" + NEXT],
  ["LF CR LF at the end of the head", "GET / HTTP/1.1\r\nHost: api.test\n\r\n" + NEXT],
  ["a CR alone within a field", post("X-A: 1\rTransfer-Encoding: chunked\r\n")],
  ["a NUL within a field", post("X-A: 1\x002\r\n")],
  ["a DEL within a field", post("X-A: 1\x7f2\r\n")],
  ["a NUL within the target", get("GET /a\x00b HTTP/1.1")],
  ["a byte above ASCII within the target", get("GET /caf\xe9 HTTP/1.1")],
  ["an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: api.test\r\n\r\n" + NEXT],
  ["a field name with a space", post("X A: 1\r\n")],
  ["a field name with a slash", post("X/A: 1\r\n")],
  ["a field name above ASCII", post("X-\xc4: 1\r\n")],
  ["a field without a name", post(": 1\r\n")],
  ["a field without a colon", post("X-A\r\n")],
  ["257 fields", post("X-A: 1\r\n".repeat(256))],
  ["Connection: content-length", post("Connection: content-length\r\nContent-Length: 5\r\n", "hello")],
  ["Connection: close, host", post("Connection: close, host\r\nContent-Length: 5\r\n", "hello")],
  ["Connection: authorization", get("GET / HTTP/1.1", "Host: api.test\r\nConnection: Authorization\r\n")],
  ["a Trailer field", post("Trailer: X-Late\r\nTransfer-Encoding: chunked\r\n")],
  ["an unknown expectation", post("Expect: 200-ok\r\nContent-Length: 5\r\n", "hello")],
  ["two expectations", post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello")],
  ["no Host", get("GET / HTTP/1.1", "X-A: 1\r\n")],
  ["two Host", get("GET / HTTP/1.1", "Host: api.test\r\nHost: api.test\r\n")],
  ["an empty Host", get("GET / HTTP/1.1", "Host:\r\n")],
  ["Host with a path", get("GET / HTTP/1.1", "Host: api.test/\r\n")],
  ["HTTP/0.9", "GET /\r\n\r\n" + NEXT],
  ["HTTP/1.2", get("GET / HTTP/1.2")],
  ["HTTP/2.0", get("GET / HTTP/2.0")],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["http/1.1 in lower case", get("GET / http/1.1")],
  ["HTTP/01.1", get("GET / HTTP/01.1")],
  ["two spaces in the request line", get("GET  / HTTP/1.1")],
  ["a tab in the request line", get("GET\t/ HTTP/1.1")],
  ["a space after the version", get("GET / HTTP/1.1 ")],
  ["a space in the target", get("GET /a b HTTP/1.1")],
  ["a method in lower case", get("get / HTTP/1.1")],
  ["a method with a control byte", get("G\x08ET / HTTP/1.1")],
  ["a method of 33 letters", get(`${"A".repeat(33)} / HTTP/1.1`)],
  ["no method", get(" / HTTP/1.1")],
  ["the asterisk form", get("OPTIONS * HTTP/1.1")],
  ["the authority form", get("GET api.test:443 HTTP/1.1")],
  ["a target with a fragment", get("GET /#a HTTP/1.1")],
  ["a target with a backslash", get("GET /a\\b HTTP/1.1")],
  ["an absolute form without an authority", get("GET https:///a HTTP/1.1")],
  ["an absolute form with userinfo", get("GET https://a@api.test/ HTTP/1.1")],
  ["an absolute form for ftp", get("GET ftp://api.test/ HTTP/1.1")],
  ["an absolute form for another host", get("GET https://other.test/ HTTP/1.1")],
  ["an absolute form in clear text", get("GET http://api.test:443/ HTTP/1.1")],
  ["an absolute form without slashes", get("GET https:api.test HTTP/1.1")],
  ["TRACE", get("TRACE / HTTP/1.1")],
  ["TRACK", get("TRACK / HTTP/1.1")],
  ["CONNECT inside", get("CONNECT api.test:443 HTTP/1.1", "Host: api.test:443\r\n")],
  ["CONNECT inside with an origin form", get("CONNECT / HTTP/1.1")],
  [
    "an upgrade to h2c",
    get("GET / HTTP/1.1", "Host: api.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
  ],
  ["an upgrade to websocket", get("GET / HTTP/1.1", "Host: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")],
  ["an upgrade without Connection", get("GET / HTTP/1.1", "Host: api.test\r\nUpgrade: foo\r\n")],
];

const connect = (target: string, fields = "") =>
  `CONNECT ${target} HTTP/1.1\r\nHost: api.test:443\r\n${LOGIN}\r\n${fields}\r\n`;

const OUTSIDE: readonly (readonly [why: string, bytes: string])[] = [
  ["CONNECT with a length", connect("api.test:443", "Content-Length: 5\r\n") + "hello"],
  ["CONNECT with chunks", connect("api.test:443", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n"],
  ["CONNECT with CL and TE", connect("api.test:443", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")],
  ["CONNECT without a port", connect("api.test")],
  ["CONNECT with an empty port", connect("api.test:")],
  ["CONNECT with port 0", connect("api.test:0")],
  ["CONNECT with port 65536", connect("api.test:65536")],
  ["CONNECT with userinfo", connect("user@api.test:443")],
  ["CONNECT with a path", connect("api.test:443/")],
  ["CONNECT with a scheme", connect("https://api.test:443")],
  ["CONNECT to two hosts", connect("api.test:443,other.test:443")],
  ["CONNECT to an escaped host", connect("api%2etest:443")],
  ["an origin form to the proxy", `GET / HTTP/1.1\r\nHost: api.test\r\n${LOGIN}\r\n\r\n`],
  ["an absolute form for https to the proxy", `GET https://api.test/ HTTP/1.1\r\nHost: api.test\r\n${LOGIN}\r\n\r\n`],
  ["Host that disagrees with the absolute form", `GET http://api.test/ HTTP/1.1\r\nHost: b.test\r\n${LOGIN}\r\n\r\n`],
  ["two credentials", `GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\n${LOGIN}\r\n${LOGIN}\r\n\r\n`],
];

export const SMUGGLING_CASES: readonly SmugglingCase[] = [
  ...HEADS.map(([why, bytes]) => ({ why, bytes })),
  ...LENGTHS.map(([why, value]) => ({
    why: `a length with ${why}`,
    bytes: post(`Content-Length: ${value}\r\n`, "hello"),
  })),
  ...CODINGS.map(([why, value]) => ({ why: `the coding ${why}`, bytes: post(`Transfer-Encoding: ${value}\r\n`) })),
  ...CHUNKS.map(([why, body]) => ({ why: `chunks with ${why}`, bytes: chunked(body), streams: true as const })),
  ...OUTSIDE.map(([why, bytes]) => ({ why, bytes, outside: true as const })),
];

/** Responses that two parsers could read in two ways: answered 502, and their connection is not used again. */
export const BAD_RESPONSES: readonly (readonly [why: string, bytes: string])[] = [
  ["CL and TE", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
  ["two CL that agree", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"],
  ["two CL that differ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
  ["a signed CL", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"],
  ["a list of CL", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"],
  ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
  ["gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
  ["TE in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["CL and TE on a 204", "HTTP/1.1 204 No\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["chunks on a 204", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["chunks on an early response", "HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a length on an early response", "HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"],
  ["a folded field", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"],
  ["white space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"],
  ["LF alone", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
  ["a NUL", "HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n"],
  ["a bad version", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["another protocol", "ICY 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["HTTP/0.9", "<html>hello</html>\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status of 0xx", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status that is a word", "HTTP/1.1 OK OK\r\nContent-Length: 0\r\n\r\n"],
  ["a control byte in the reason", "HTTP/1.1 200 O\x07K\r\nContent-Length: 0\r\n\r\n"],
  ["101 that nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
  [
    "seventeen informational responses",
    "HTTP/1.1 103 Hints\r\n\r\n".repeat(17) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  ],
  ["a field that Connection would strip", "HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 0\r\n\r\n"],
  ["a head over 64 KiB", `HTTP/1.1 200 OK\r\n${`X-A: ${"a".repeat(1000)}\r\n`.repeat(70)}Content-Length: 0\r\n\r\n`],
];
