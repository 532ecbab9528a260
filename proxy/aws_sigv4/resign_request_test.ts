/** Requests that are signed with masked AWS keys, on real sockets. */
import assert from "node:assert/strict";
import { LIMITS } from "../limits.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { CLOSE, type Lab, type LabOptions, openLab } from "../testing/lab.ts";
import { canonicalRequest, pathRule } from "./canonical_request.ts";
import { scopeText } from "./credential_scope.ts";
import { sha256Hex, SigningKey, stringToSign } from "./signing_key.ts";
import { authorize, EMPTY_HASH, field, REAL, SCOPE, TIMESTAMP } from "./testing/signer.ts";

const VALUES = {
  AWS_ACCESS_KEY_ID: REAL.keyId,
  AWS_SECRET_ACCESS_KEY: REAL.secretKey,
  AWS_SESSION_TOKEN: REAL.sessionToken,
};

const awsLab = (options: LabOptions = {}) => openLab({ ...options, more: VALUES });

interface ClientRequest {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  /** Name and value, signed. */
  readonly signed?: readonly (readonly [name: string, value: string])[];
  /** Further lines of the head, not signed, each ended. */
  readonly lines?: string;
  readonly body?: string;
  /** What is sent of the body, in its framing; default: the body itself. */
  readonly sent?: string;
}

/** A request as a client with the lab's masked keys writes it. */
function write(lab: Lab, request: ClientRequest = {}): string {
  const { method = "GET", target = "/", host = "api.test", signed = [], lines = "", body = "" } = request;
  const fields = [
    field("Host", host),
    field("X-Amz-Date", TIMESTAMP),
    ...signed.map(([name, value]) => field(name, value)),
  ];
  const authorization = authorize({ method, pathAndQuery: target, fields, payloadHash: sha256Hex(body) }, {
    keyId: lab.moreTokens.get("AWS_ACCESS_KEY_ID")!,
    secretKey: lab.moreTokens.get("AWS_SECRET_ACCESS_KEY")!,
    headers: fields.map(({ lower }) => lower).sort(),
  });
  const head = [...fields, field("Authorization", authorization)].map(({ name, value }) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${head.join("")}${lines}${CLOSE}\r\n${request.sent ?? body}`;
}

/** Fails unless the upstream got one request whose signature is the one that the real secret key makes. */
function assertSigned(lab: Lab, body = ""): ReadonlyMap<string, string> {
  assert.equal(lab.upstream.requests.length, 1, JSON.stringify(lab.refusals));
  const [head = "", ...rest] = lab.upstream.requests[0]!.split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const [method = "", pathAndQuery = ""] = line.split(" ");
  const fields = lines.map((each) => field(each.slice(0, each.indexOf(":")), each.slice(each.indexOf(":") + 2)));
  const named = new Map(fields.map(({ lower, value }) => [lower, value]));
  const [, headers = "", signature] = /SignedHeaders=(.*), Signature=(.*)$/.exec(named.get("authorization") ?? "") ??
    [];
  using key = new SigningKey(new TextEncoder().encode(REAL.secretKey), SCOPE);
  const message = { method, pathAndQuery, fields, payloadHash: body === "" ? EMPTY_HASH : sha256Hex(body) };
  const canonical = canonicalRequest(message, headers.split(";"), pathRule(SCOPE.service));
  assert.equal(signature, key.sign(stringToSign(TIMESTAMP, SCOPE, canonical)));
  assert.ok(named.get("authorization")!.includes(`Credential=${REAL.keyId}/${scopeText(SCOPE)}, `));
  assert.equal(rest.join("\r\n\r\n"), body);
  assert.ok(!head.includes("kz_masked"));
  return new Map([...named, ["signed", headers]]);
}

const POST = { method: "POST", body: "Action=GetCallerIdentity", lines: "Content-Length: 24\r\n" };
const CARRIED: readonly [
  why: string,
  request: ClientRequest,
  expected: Readonly<Record<string, string | undefined>>,
][] = [
  ["a request without a body", {}, {}],
  ["a body whose hash stands nowhere", POST, {}],
  ["a body in chunks, which gets a length", {
    ...POST,
    lines: "Transfer-Encoding: chunked\r\n",
    sent: "18\r\nAction=GetCallerIdentity\r\n0\r\n\r\n",
  }, { "content-length": "24", "transfer-encoding": undefined }],
  ["a signed length", { ...POST, signed: [["Content-Length", "24"]], lines: "" }, {
    signed: "content-length;host;x-amz-date",
  }],
  ["a signed field that the proxy writes itself", { signed: [["Accept-Encoding", "gzip"]] }, {
    "accept-encoding": "identity",
    signed: "accept-encoding;host;x-amz-date",
  }],
  ["a signed field that goes no further", { signed: [["TE", "trailers"]] }, {
    te: undefined,
    signed: "host;x-amz-date",
  }],
  ["a host with its port", { host: "api.test:443" }, { host: "api.test" }],
  ["a host in capitals", { host: "API.test" }, { host: "api.test" }],
  ["a token of another secret in a signed field", { signed: [["X-Api-Key", "API_TOKEN"]] }, {
    signed: "host;x-amz-date;x-api-key",
  }],
];
for (const [why, request, expected] of CARRIED) {
  Deno.test(`a request signed with masked AWS keys is signed anew: ${why}`, async () => {
    await using lab = await awsLab();
    const signed = request.signed?.map(([name, value]) => [name, value.replace("API_TOKEN", lab.token)] as const);
    const answer = await lab.inside(write(lab, { ...request, ...(signed === undefined ? {} : { signed }) }));
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const seen = assertSigned(lab, request.body);
    for (const [name, value] of Object.entries(expected)) assert.equal(seen.get(name), value);
  });
}

Deno.test("a body that is wanted for its hash is asked for with a 100", async () => {
  await using lab = await awsLab();
  using client = await lab.client();
  const [head = "", body = ""] = write(lab, { ...POST, lines: `${POST.lines}Expect: 100-continue\r\n` }).split(
    "\r\n\r\n",
  );
  await client.send(`${head}\r\n\r\n`);
  await client.waitFor("HTTP/1.1 100 Continue\r\n\r\n");
  await client.send(body);
  await client.waitFor("hello");
  assert.equal(assertSigned(lab, POST.body).get("expect"), undefined);
});

Deno.test("a compressed body is signed anew as it came", async () => {
  await using lab = await awsLab();
  const stream = new Blob(["Action=GetCallerIdentity"]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = decodeLatin1(new Uint8Array(await new Response(stream).arrayBuffer()));
  const lines = `Content-Length: ${body.length}\r\n`;
  await lab.inside(write(lab, { method: "POST", body, lines, signed: [["Content-Encoding", "gzip"]] }));
  assertSigned(lab, body);
});

Deno.test("a request signed with masked AWS keys goes out in clear text to a loopback host that a rule names", async () => {
  await using lab = await awsLab({ clear: true, rules: [{ allow: true, host: "127.0.0.1" }] });
  const host = `127.0.0.1:${lab.upstream.port}`;
  const login = `Proxy-Authorization: Basic ${btoa(`kz:${lab.login.password}`)}\r\n`;
  const request = write(lab, { host, lines: login }).replace("GET /", `GET http://${host}/`);
  assert.match(await lab.raw(request), /^HTTP\/1\.1 200 /);
  assertSigned(lab);
});

const REFUSED: readonly [why: string, code: string, text: (lab: Lab) => string][] = [
  [
    "a body beyond what is kept",
    "PROXY_AWS_BODY_TOO_LARGE",
    (lab) => write(lab, { method: "POST", lines: `Content-Length: ${LIMITS.signedBodyBytes + 1}\r\n` }),
  ],
  ["a method that was not signed", "PROXY_AWS_SIGNATURE_INVALID", (lab) => write(lab).replace("GET /", "DELETE /")],
  [
    "a body that was not signed",
    "PROXY_AWS_SIGNATURE_INVALID",
    (lab) => write(lab, { ...POST, sent: "Action=DeleteEverything!" }),
  ],
  [
    "TM-04 the key id in another header",
    "PROXY_TOKEN_MISPLACED",
    (lab) => write(lab, { lines: `X-Copy: ${lab.moreTokens.get("AWS_ACCESS_KEY_ID")}\r\n` }),
  ],
  [
    "TM-04 the secret key in another header, unsigned",
    "PROXY_TOKEN_MISPLACED",
    (lab) =>
      `GET / HTTP/1.1\r\nHost: api.test\r\nX-Copy: ${lab.moreTokens.get("AWS_SECRET_ACCESS_KEY")}\r\n${CLOSE}\r\n`,
  ],
  [
    "TM-04 the session token in the metadata of an object",
    "PROXY_TOKEN_MISPLACED",
    (lab) => write(lab, { signed: [["X-Amz-Meta-Note", lab.moreTokens.get("AWS_SESSION_TOKEN")!]] }),
  ],
  [
    "TM-04 the session token with something before it",
    "PROXY_TOKEN_MISPLACED",
    (lab) => write(lab, { signed: [["X-Amz-Security-Token", `x${lab.moreTokens.get("AWS_SESSION_TOKEN")}`]] }),
  ],
  [
    "TM-05 a copy of the key id in the query, in base64",
    "PROXY_TOKEN_MISPLACED",
    (lab) => write(lab, { target: `/?a=${encodeURIComponent(btoa(`x${lab.moreTokens.get("AWS_ACCESS_KEY_ID")}`))}` }),
  ],
  ["TM-05 a copy of the key id in the body", "PROXY_TOKEN_MISPLACED", (lab) => {
    const body = `AccessKeyId=${lab.moreTokens.get("AWS_ACCESS_KEY_ID")}`;
    return write(lab, { method: "POST", body, lines: `Content-Length: ${body.length}\r\n` });
  }],
  [
    "the signature of version 2",
    "PROXY_TOKEN_MISPLACED",
    (lab) =>
      `GET / HTTP/1.1\r\nHost: api.test\r\nAuthorization: AWS ${
        lab.moreTokens.get("AWS_ACCESS_KEY_ID")
      }:c2ln\r\n${CLOSE}\r\n`,
  ],
  ["the scheme in another spelling", "PROXY_TOKEN_MISPLACED", (lab) => write(lab).replace("AWS4-HMAC", "aws4-HMAC")],
  ["a chunked payload that is compressed, too", "PROXY_BODY_ENCODED", (lab) =>
    write(lab, {
      method: "PUT",
      signed: [["X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"], [
        "Content-Encoding",
        "gzip,aws-chunked",
      ]],
      sent: "0\r\n\r\n",
      lines: "Content-Length: 5\r\n",
    })],
];
for (const [why, code, text] of REFUSED) {
  Deno.test(`a request signed with masked AWS keys is refused: ${why}`, async () => {
    await using lab = await awsLab();
    const answer = await lab.inside(text(lab));
    assert.match(answer, new RegExp(`^X-KeyZero-Error: ${code}\r$`, "m"));
    assert.deepEqual(lab.upstream.requests, []);
    assert.equal(lab.upstream.received, "");
    for (const value of Object.values(VALUES)) assert.ok(!answer.includes(value));
  });
}
