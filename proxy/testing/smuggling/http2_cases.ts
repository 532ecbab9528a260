import { concatAll } from "../../concat.ts";
import {
  data,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  headers,
  PADDED,
  PRIORITY,
  type RawField,
  request,
  settings,
  uint32,
} from "../raw_http2.ts";

/** A request over HTTP/2 that must not reach the host. */
export interface Http2Case {
  /** The threat, and what is wrong. */
  readonly why: string;
  readonly frames: readonly Uint8Array[];
  /** What the client gets on its first stream: a refusal, by its code for the operator, or an error of HTTP/2. */
  readonly end: string;
}

const PROTOCOL_ERROR = "goaway 1";
const FLOW_CONTROL_ERROR = "goaway 3";
const FRAME_SIZE_ERROR = "goaway 6";
const COMPRESSION_ERROR = "goaway 9";

type Row = readonly [why: string, frames: readonly Uint8Array[], end: string];

/** One frame of headers that ends its stream. */
const get = (fields: readonly RawField[], options = {}) => [headers(1, request(fields, options))];
/** The usual pseudo headers with one that has another value, or is not there. */
const pseudo = (name: string, value?: string, fields: readonly RawField[] = []) => [
  headers(1, [
    ...request().flatMap(([other, usual]): RawField[] =>
      other !== name ? [[other, usual]] : value === undefined ? [] : [[name, value]]
    ),
    ...fields,
  ]),
];
const all = (fields: readonly RawField[]) => [headers(1, fields)];
/** A POST with these parts of a body, the last of which ends it. */
const post = (fields: readonly RawField[], ...parts: readonly string[]) => [
  headers(1, request(fields, { method: "POST" }), END_HEADERS),
  ...parts.map((part, at) => data(1, part, at === parts.length - 1 ? END_STREAM : 0)),
];
const withTrailers = (fields: readonly RawField[], trailers: readonly RawField[], flags = END_HEADERS | END_STREAM) => [
  headers(1, request(fields, { method: "POST" }), END_HEADERS),
  data(1, "hello"),
  headers(1, trailers, flags),
];

const FIELDS_ALONE: readonly Row[] = [
  ["TM-18 CR LF in a value", get([["x-a", "a\r\nx-b: c"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a CR in a value", get([["x-a", "a\rb"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 an LF in a value", get([["x-a", "a\nb"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a NUL in a value", get([["x-a", "a\0b"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 white space before a value", get([["x-a", " a"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 white space behind a value", get([["x-a", "a\t"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 CR LF in a name", get([["x-a: b\r\nx-c", "d"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a space in a name", get([["x a", "b"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a colon in a name", get([["x:a", "b"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a NUL in a name", get([["x\0a", "b"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a name above ASCII", get([["x-\xc3\xa4", "b"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 an empty name", get([["", "b"]]), "400 HTTP_FIELD_INVALID"],
];

const PSEUDO: readonly Row[] = [
  ["TM-18 CR LF in :path", pseudo(":path", "/ HTTP/1.1\r\nx: y"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a space in :path", pseudo(":path", "/a HTTP/1.1"), "400 HTTP_START_LINE_INVALID"],
  ["TM-18 a NUL in :path", pseudo(":path", "/\0"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 an empty :path", pseudo(":path", ""), "400 HTTP_FIELD_INVALID"],
  ["TM-18 no :path", pseudo(":path"), "400 HTTP_FIELD_INVALID"],
  ["TM-08 a whole URL for :path", pseudo(":path", "https://other.test/"), "400 HTTP_FIELD_INVALID"],
  ["TM-08 a host for :path", pseudo(":path", "other.test:443"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 * for :path of a GET", pseudo(":path", "*"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 * for :path of OPTIONS", get([], { method: "OPTIONS", path: "*" }), "400 HTTP_FIELD_INVALID"],
  ["TM-19 a fragment in :path", pseudo(":path", "/a#b"), "400 HTTP_TARGET_INVALID"],
  ["TM-18 a byte above ASCII in :path", pseudo(":path", "/\xe9"), "400 HTTP_START_LINE_INVALID"],
  ["TM-18 CR LF in :method", pseudo(":method", "GET / HTTP/1.1\r\nx: y\r\n\r\nGET"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a space in :method", pseudo(":method", "GET /x"), "400 HTTP_START_LINE_INVALID"],
  ["TM-18 an empty :method", pseudo(":method", ""), "400 HTTP_START_LINE_INVALID"],
  ["TM-18 no :method", pseudo(":method"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a :method in lower case", pseudo(":method", "get"), "400 HTTP_START_LINE_INVALID"],
  ["TM-18 a :method of 40 letters", pseudo(":method", "A".repeat(40)), "400 HTTP_START_LINE_INVALID"],
  ["TM-10 :scheme http", pseudo(":scheme", "http"), "400 HTTP_FIELD_INVALID"],
  ["TM-10 :scheme in upper case", pseudo(":scheme", "HTTPS"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a :scheme with a URL", pseudo(":scheme", "https://other.test/?"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 no :scheme", pseudo(":scheme"), "400 HTTP_FIELD_INVALID"],
  ["TM-18 an empty :scheme", pseudo(":scheme", ""), "400 HTTP_FIELD_INVALID"],
  ["TM-08 no :authority and no host", pseudo(":authority"), "400 HTTP_FIELD_INVALID"],
  ["TM-08 an empty :authority", pseudo(":authority", ""), "400 HTTP_TARGET_INVALID"],
  ["TM-08 :authority of another host", pseudo(":authority", "other.test"), "421 HTTP_HOST_MISMATCH"],
  ["TM-08 :authority of a host below", pseudo(":authority", "a.api.test"), "421 HTTP_HOST_MISMATCH"],
  ["TM-08 :authority with another port", pseudo(":authority", "api.test:80"), "421 HTTP_HOST_MISMATCH"],
  ["TM-08 :authority with a port that wraps", pseudo(":authority", "api.test:65979"), "400 HTTP_TARGET_INVALID"],
  ["TM-08 :authority with userinfo", pseudo(":authority", "a@api.test"), "400 HTTP_TARGET_INVALID"],
  ["TM-08 :authority with two names", pseudo(":authority", "api.test,other.test"), "400 HTTP_TARGET_INVALID"],
  ["TM-08 :authority with a path", pseudo(":authority", "api.test/a"), "400 HTTP_TARGET_INVALID"],
  ["TM-18 :authority with CR LF", pseudo(":authority", "api.test\r\nhost: other.test"), "400 HTTP_FIELD_INVALID"],
  ["TM-08 host against :authority", get([["host", "other.test"]]), "421 HTTP_HOST_MISMATCH"],
  ["TM-08 host in another spelling than :authority", get([["host", "API.test"]]), "421 HTTP_HOST_MISMATCH"],
  [
    "TM-08 host of another host alone",
    pseudo(":authority", undefined, [["host", "other.test"]]),
    "421 HTTP_HOST_MISMATCH",
  ],
  ["TM-08 host twice", get([["host", "api.test"], ["host", "api.test"]]), "400 HTTP_FIELD_REPEATED"],
  ["TM-18 :method twice", all([[":method", "GET"], ...request()]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 :path twice", all([[":path", "/b"], ...request()]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 :scheme twice", all([[":scheme", "https"], ...request()]), "400 HTTP_FIELD_INVALID"],
  ["TM-08 :authority twice", all([[":authority", "other.test"], ...request()]), "400 HTTP_FIELD_INVALID"],
  [
    "TM-18 a pseudo header behind a field",
    pseudo(":path", undefined, [["x-a", "b"], [":path", "/"]]),
    "400 HTTP_FIELD_INVALID",
  ],
  ["TM-18 an unknown pseudo header", all([[":x", "y"], ...request()]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 :status in a request", all([...request(), [":status", "200"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 a pseudo header in upper case", all([...request(), [":Path", "/b"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 no header at all", [frame(FRAME.headers, END_HEADERS | END_STREAM, 1)], "400 HTTP_FIELD_INVALID"],
];

const METHODS: readonly Row[] = [
  ["TM-21 CONNECT", all([[":method", "CONNECT"], [":authority", "other.test:443"]]), "400 HTTP_FIELD_INVALID"],
  [
    "TM-21 CONNECT whose tunnel goes on",
    [headers(1, [[":method", "CONNECT"], [":authority", "api.test:443"]], END_HEADERS), data(1, "GET / HTTP/1.1\r\n")],
    "400 HTTP_FIELD_INVALID",
  ],
  ["TM-21 CONNECT with a path", pseudo(":method", "CONNECT"), "405 HTTP_METHOD_REFUSED"],
  [
    "TM-21 extended CONNECT",
    all([...request([], { method: "CONNECT" }), [":protocol", "websocket"]]),
    "400 HTTP_FIELD_INVALID",
  ],
  ["TM-21 :protocol of a GET", all([...request(), [":protocol", "websocket"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-21 TRACE", pseudo(":method", "TRACE"), "405 HTTP_METHOD_REFUSED"],
  ["TM-21 TRACK", pseudo(":method", "TRACK"), "405 HTTP_METHOD_REFUSED"],
];

const FIELDS: readonly Row[] = [
  ["TM-20 a name in upper case", get([["X-A", "b"]]), "400 HTTP_FIELD_INVALID"],
  [
    "TM-18 transfer-encoding",
    post([["transfer-encoding", "chunked"]], "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
    "400 HTTP_FIELD_INVALID",
  ],
  ["TM-18 transfer_encoding", get([["transfer_encoding", "chunked"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 content_length", get([["content_length", "5"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 connection", get([["connection", "close"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 connection that names a field", get([["connection", "authorization"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-21 upgrade", get([["upgrade", "h2c"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 keep-alive", get([["keep-alive", "timeout=5"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 proxy-connection", get([["proxy-connection", "keep-alive"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 te: gzip", get([["te", "gzip"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 te: trailers, chunked", get([["te", "trailers, chunked"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 trailer", get([["trailer", "x-late"]]), "400 HTTP_TRAILER_UNSUPPORTED"],
  ["TM-18 an unknown expectation", post([["expect", "200-ok"]], "hello"), "417 HTTP_EXPECTATION_UNKNOWN"],
  ["TM-02 grpc-encoding: gzip", post([["grpc-encoding", "gzip"]], "hello"), "415 PROXY_BODY_ENCODED"],
  ["TM-24 300 fields", get(Array.from({ length: 300 }, () => ["x-a", "b"] as const)), "431 HTTP_HEAD_TOO_LARGE"],
];

const LENGTHS: readonly Row[] = [
  ["TM-18 a length and no body", get([["content-length", "5"]], { method: "POST" }), "reset 1"],
  ["TM-18 a length that is too short", post([["content-length", "2"]], "hello"), "reset 1"],
  ["TM-18 a length that is too long", post([["content-length", "9"]], "hello"), "reset 1"],
  [
    "TM-18 two lengths that agree",
    post([["content-length", "5"], ["content-length", "5"]], "hello"),
    "400 HTTP_FIELD_REPEATED",
  ],
  [
    "TM-18 two lengths that differ",
    post([["content-length", "5"], ["content-length", "0"]], "hello"),
    "reset 1 HTTP_FIELD_REPEATED",
  ],
  ["TM-18 a signed length", post([["content-length", "+5"]], "hello"), "400 HTTP_FRAMING_INVALID"],
  ["TM-18 a negative length", post([["content-length", "-5"]], "hello"), "reset 1 HTTP_FRAMING_INVALID"],
  ["TM-18 a hexadecimal length", post([["content-length", "0x5"]], "hello"), "400 HTTP_FRAMING_INVALID"],
  ["TM-18 a list of lengths", post([["content-length", "5, 5"]], "hello"), "reset 1 HTTP_FRAMING_INVALID"],
  ["TM-18 an empty length", post([["content-length", ""]], "hello"), "reset 1 HTTP_FRAMING_INVALID"],
  [
    "TM-18 a length that wraps",
    post([["content-length", "18446744073709551621"]], "hello"),
    "reset 1 HTTP_FRAMING_INVALID",
  ],
  ["TM-18 a length with a zero before it", post([["content-length", "05"]], "hello"), "400 HTTP_FRAMING_INVALID"],
];

const TRAILERS: readonly Row[] = [
  ["TM-18 a pseudo header in trailers", withTrailers([], [[":path", "/x"]]), "400 HTTP_FIELD_INVALID"],
  [
    "TM-18 transfer-encoding in trailers",
    withTrailers([], [["transfer-encoding", "chunked"]]),
    "400 HTTP_FIELD_INVALID",
  ],
  ["TM-18 connection in trailers", withTrailers([], [["connection", "close"]]), "400 HTTP_FIELD_INVALID"],
  ["TM-18 trailers that do not end the stream", withTrailers([], [["x-t", "1"]], END_HEADERS), PROTOCOL_ERROR],
  ["TM-18 trailers", withTrailers([], [["x-t", "1"]]), "400 HTTP_TRAILER_UNSUPPORTED"],
  ["TM-18 content-length in trailers", withTrailers([], [["content-length", "5"]]), "400 HTTP_TRAILER_UNSUPPORTED"],
  ["TM-08 host in trailers", withTrailers([], [["host", "api.test"]]), "400 HTTP_TRAILER_UNSUPPORTED"],
  ["TM-18 trailers behind a length", withTrailers([["content-length", "5"]], [["x-t", "1"]]), "reset 2"],
];

const FRAMES: readonly Row[] = [
  ["TM-18 padding longer than its frame", [
    frame(FRAME.headers, PADDED | END_HEADERS | END_STREAM, 1, concatAll([Uint8Array.of(255), headerBlock(request())])),
  ], PROTOCOL_ERROR],
  ["TM-18 a request on stream 0", [headers(0, request())], PROTOCOL_ERROR],
  ["TM-18 a request on a stream of the other side", [headers(2, request())], PROTOCOL_ERROR],
  ["TM-18 DATA on a stream that was not opened", [data(1, "x", END_STREAM)], PROTOCOL_ERROR],
  ["TM-18 RST_STREAM on a stream that was not opened", [frame(FRAME.reset, 0, 1, uint32(8))], PROTOCOL_ERROR],
  [
    "TM-18 CONTINUATION of nothing",
    [frame(FRAME.continuation, END_HEADERS, 1, headerBlock(request()))],
    PROTOCOL_ERROR,
  ],
  ["TM-18 a frame between headers and their continuation", [
    frame(FRAME.headers, END_STREAM, 1, headerBlock(request())),
    frame(FRAME.ping, 0, 0, "12345678"),
    frame(FRAME.continuation, END_HEADERS, 1),
  ], PROTOCOL_ERROR],
  ["TM-18 a continuation on another stream", [
    frame(FRAME.headers, END_STREAM, 1, headerBlock(request())),
    frame(FRAME.continuation, END_HEADERS, 3, headerBlock([["x-a", "b"]])),
  ], PROTOCOL_ERROR],
  ["TM-18 a stream that depends on itself", [
    frame(
      FRAME.headers,
      END_HEADERS | END_STREAM | PRIORITY,
      1,
      concatAll([uint32(1), Uint8Array.of(1), headerBlock(request())]),
    ),
  ], PROTOCOL_ERROR],
  ["TM-18 PUSH_PROMISE of a client", [
    frame(FRAME.push, END_HEADERS, 1, concatAll([uint32(2), headerBlock(request())])),
    headers(1, request()),
  ], PROTOCOL_ERROR],
  ["TM-18 HPACK that ends within a field", [
    frame(FRAME.headers, END_HEADERS | END_STREAM, 1, headerBlock(request()).subarray(0, 20)),
  ], COMPRESSION_ERROR],
  ["TM-18 HPACK with an entry that is not there", [
    frame(FRAME.headers, END_HEADERS | END_STREAM, 1, Uint8Array.of(0xff, 0xff, 0xff, 0x0f)),
  ], COMPRESSION_ERROR],
  ["TM-24 HPACK with a table larger than was allowed", [
    frame(
      FRAME.headers,
      END_HEADERS | END_STREAM,
      1,
      concatAll([Uint8Array.of(0x3f, 0xe2, 0x1f), headerBlock(request())]),
    ),
  ], COMPRESSION_ERROR],
  ["TM-24 DATA of more than 16 KiB", [
    headers(1, request([["content-length", "16385"]], { method: "POST" }), END_HEADERS),
    data(1, "a".repeat(16_385), END_STREAM),
  ], FRAME_SIZE_ERROR],
  ["TM-24 HEADERS of more than 16 KiB", get([["x-a", "a".repeat(16_385)]]), FRAME_SIZE_ERROR],
  ["TM-18 SETTINGS of five bytes", [frame(FRAME.settings, 0, 0, "12345"), headers(1, request())], FRAME_SIZE_ERROR],
  ["TM-18 SETTINGS on a stream", [frame(FRAME.settings, 0, 1), headers(1, request())], PROTOCOL_ERROR],
  ["TM-18 SETTINGS that let us push thrice", [settings([[2, 3]]), headers(1, request())], PROTOCOL_ERROR],
  ["TM-24 SETTINGS with a window of 2 GiB", [settings([[4, 0x80000000]]), headers(1, request())], FLOW_CONTROL_ERROR],
  ["TM-18 PING of four bytes", [frame(FRAME.ping, 0, 0, "1234"), headers(1, request())], FRAME_SIZE_ERROR],
  [
    "TM-24 a window that grows by nothing",
    [frame(FRAME.window, 0, 0, uint32(0)), headers(1, request())],
    PROTOCOL_ERROR,
  ],
  ["TM-24 a window that overflows", [
    frame(FRAME.window, 0, 0, uint32(0x7fffffff)),
    headers(1, request()),
  ], FLOW_CONTROL_ERROR],
];

const tokenRows = (token: string, other: string): readonly Row[] => [
  ["TM-04 a token in a path", pseudo(":path", `/${token}`), "403 PROXY_TOKEN_MISPLACED"],
  ["TM-04 a token in a query", pseudo(":path", `/?a=${token}`), "403 PROXY_TOKEN_MISPLACED"],
  ["TM-04 a token in a cookie", get([["cookie", `a=${token}`]]), "403 PROXY_TOKEN_MISPLACED"],
  [
    "TM-04 a token in the second of two cookies",
    get([["cookie", "a=b"], ["cookie", `c=${token}`]]),
    "403 PROXY_TOKEN_MISPLACED",
  ],
  ["TM-04 a token in the referer", get([["referer", `https://api.test/${token}`]]), "403 PROXY_TOKEN_MISPLACED"],
  [
    "TM-20 a token in a header that stands twice",
    get([["x-api-key", token], ["x-api-key", "b"]]),
    "403 PROXY_TOKEN_REPEATED",
  ],
  ["TM-20 x_api_key besides x-api-key", get([["x_api_key", "b"], ["x-api-key", token]]), "403 PROXY_TOKEN_REPEATED"],
  ["TM-05 a token in a name", get([[token, "b"]]), "403 PROXY_TOKEN_MISPLACED"],
  ["TM-05 a copy in a body", post([], `{"a":"${token}"}`), "403 PROXY_TOKEN_MISPLACED"],
  [
    "TM-05 a copy in a body with a length",
    post([["content-length", String(token.length)]], token),
    "403 PROXY_TOKEN_MISPLACED",
  ],
  ["TM-05 a copy in a body, in DATA of one byte each", post([], ...token), "403 PROXY_TOKEN_MISPLACED"],
  ["TM-05 a token in trailers", withTrailers([], [["authorization", token]]), "400 HTTP_TRAILER_UNSUPPORTED"],
  ["TM-15 the token of another host", get([["authorization", `Bearer ${other}`]]), "403 POLICY_SECRET_HOST_DENIED"],
];

/**
 * @param token Of a secret that may go to the host.
 * @param other Of one that may not.
 */
export function http2Cases(token: string, other: string): readonly Http2Case[] {
  return [
    ...FIELDS_ALONE,
    ...PSEUDO,
    ...METHODS,
    ...FIELDS,
    ...LENGTHS,
    ...TRAILERS,
    ...FRAMES,
    ...tokenRows(token, other),
  ]
    .map(([why, frames, end]) => ({ why, frames, end }));
}
