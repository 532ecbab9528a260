import assert from "node:assert/strict";
import fc from "fast-check";
import { parseHost } from "../../../policy/host.ts";
import { parseHostGrant } from "../../../policy/host_pattern.ts";
import { Secret } from "../../../policy/secret.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import type { Resource } from "../../../policy/server/bundle.ts";
import { type CredentialLocation, parseCredentialLocation } from "../../../policy/server/credential_location.ts";
import { parseRefPattern } from "../../../policy/server/resource_ref.ts";
import { ByteBudget } from "../../../proxy/byte_budget.ts";
import { concatAll } from "../../../proxy/concat.ts";
import { EdgeService } from "../../../proxy/edge/edge_service.ts";
import { SwapAudit } from "../../../proxy/edge/swap_audit.ts";
import { TokenSealer } from "../../../proxy/edge/token_sealer.ts";
import { ResponseCut } from "../../../proxy/exchange/exchange.ts";
import { ByteReader } from "../../../proxy/http/byte_reader.ts";
import { HttpError } from "../../../proxy/http/http_error.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import { parseRequestHead } from "../../../proxy/http/request_head.ts";
import { parseTarget } from "../../../proxy/http/target.ts";
import { Refusal } from "../../../proxy/refusal.ts";
import { ScrubPlan } from "../../../proxy/scrub/scrub_plan.ts";
import type { Upstream } from "../../../proxy/upstream/upstream.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { splitSource } from "../split_source.ts";
import { SEALED, SEALED_AT, SERVER_KEY } from "./server_tokens.ts";

const VALUE = "Zq7-canary_Value.9f3";
const HOST = parseHost("api.test");
const LOCATIONS = ["header:Authorization:Bearer", "header:X-Api-Key:", "basic:git", "query:key"];

/** Passes that an answer may hold are not its business; the value, and what is left of a token, are. */
const TOKEN_WORDS = [
  SEALED.token,
  SEALED.otherToken,
  SEALED.pass,
  SEALED.token.slice(0, 40),
  `%4b${SEALED.token.slice(1)}`,
  `%254b${SEALED.token.slice(1)}`,
  btoa(SEALED.token),
  btoa(`git:${SEALED.token}`),
  btoa(`${SEALED.token}:${SEALED.token}`),
  "KZ_TOK_1",
  "KZ_PRX_1",
  VALUE,
  btoa(VALUE),
];
const LINES = [
  `Authorization: Bearer ${SEALED.token}`,
  `authorization: bearer  ${SEALED.token}`,
  `Authorization: Basic ${btoa(`git:${SEALED.token}`)}`,
  `X-Api-Key: ${SEALED.token}`,
  `X_Api_Key: ${SEALED.token}`,
  `Cookie: a=${SEALED.token}`,
  `Referer: https://api.test/?key=${SEALED.token}`,
  `${SEALED.token}: a`,
  "Accept: */*",
  "Content-Type: application/x-www-form-urlencoded",
  "Host: api.test",
];
const TARGETS = [
  "/",
  "/a",
  `/?key=${SEALED.token}`,
  `/?k%65y=${SEALED.token}`,
  `/${SEALED.token}`,
  `/?a=${SEALED.token}`,
];
const BODIES = ["", "", "a=b", `key=${SEALED.token}`, `{"key":"${SEALED.token}"}`, btoa(`xx${SEALED.token}`)];

/** Where the token may stand, for each location: a target and a line. */
const RIGHT: readonly (readonly [target: string, line: string])[] = [
  ["/a", `Authorization: Bearer ${SEALED.token}`],
  ["/a", `X-Api-Key: ${SEALED.token}`],
  ["/a", `Authorization: Basic ${btoa(`git:${SEALED.token}`)}`],
  [`/?key=${SEALED.token}`, "Accept: */*"],
];
const request = (
  location: number,
  { target, lines, body }: { target: string; lines: readonly string[]; body: string },
) =>
  `${location}${body === "" ? "GET" : "POST"} ${target} HTTP/1.1\r\nHost: api.test\r\n${
    body === "" ? "" : `Content-Length: ${body.length}\r\n`
  }${lines.map((line) => `${line}\r\n`).join("")}\r\n${body}`;
const locations = fc.nat(LOCATIONS.length - 1);
const bodies = fc.constantFrom(...BODIES);
const requests = fc.oneof(
  fc.tuple(locations, fc.constantFrom("", "a=b")).map(([at, body]) =>
    request(at, { target: RIGHT[at]![0], lines: [RIGHT[at]![1]], body })
  ),
  fc.tuple(locations, fc.constantFrom(...TARGETS), fc.array(fc.constantFrom(...LINES), { maxLength: 3 }), bodies)
    .map(([at, target, lines, body]) => request(at, { target, lines, body })),
);

const sealer = await TokenSealer.create(SERVER_KEY);
const replacements = [{ text: VALUE, standIn: "kz_masked_value" }];
const valuePlan = new ScrubPlan(replacements);

/**
 * TM-04, TM-05: whatever a caller sends through the server's proxy, of what goes out no reader makes a token or a pass, and
 * the value stands in the resource's one place alone; and of what a host echoes nothing of the value comes back (TM-01).
 *
 * The first character of the input says which place. The host is one in memory that repeats what it was sent.
 */
export const edgeSwap: FuzzTarget = {
  name: "edge-swap",
  inputs: requests.map(encodeLatin1),
  dictionary: [
    ...TOKEN_WORDS,
    ...LINES.map((line) => `\r\n${line}`),
    "key=",
    "&",
    "?",
    ";",
    " ",
    "Bearer ",
    ":",
    "Basic ",
  ],
  async check(input) {
    const location = parseCredentialLocation(LOCATIONS[(input[0] ?? 0) % LOCATIONS.length]!);
    const host = new EchoingHost();
    const answer = await carry(input.subarray(1), location, host);
    const sent = host.sent;
    if (sent === "") return false;
    // TM-36: it is another caller's.
    assert.ok(
      !decodeLatin1(input).split("\r\n\r\n")[0]!.includes(SEALED.otherToken),
      "another caller's token is taken",
    );
    assertNoToken(sent);
    assertOnlyIn(location, sent);
    assert.ok(!readings(answer).some((text) => text.includes(VALUE)), "the value comes back");
    return sent.includes(VALUE) || sent.includes(btoa(`git:${VALUE}`));
  },
};

/** Carries one request as the server's proxy does. @returns What its client gets. */
async function carry(bytes: Uint8Array, location: CredentialLocation, host: EchoingHost): Promise<string> {
  const reader = new ByteReader(splitSource(bytes));
  const written: Uint8Array[] = [];
  const client = {
    reader,
    budget: new ByteBudget(1024 * 1024),
    sink: { write: (bytes: Uint8Array) => Promise.resolve(written.push(bytes.slice())).then(() => bytes.length) },
  };
  try {
    const head = parseRequestHead(await reader.readHead(16 * 1024) ?? new Uint8Array());
    const target = parseTarget(head.target);
    const exchange = { head, target, origin: { host: HOST, port: 443, secure: true }, reusable: host };
    const caller = { issuer: "internal", subject: "agent-1", expiresAt: SEALED_AT + 300_000 };
    await serviceFor(location).carry(exchange, client, caller);
  } catch (error) {
    const isExpected = error instanceof Refusal || error instanceof HttpError || error instanceof ResponseCut ||
      (error instanceof Error && error.name === "ClientGone");
    if (!isExpected) throw error;
    if (written.length === 0 && error instanceof Error) return error.message;
  }
  return decodeLatin1(concatAll(written));
}

function serviceFor(location: CredentialLocation): EdgeService {
  const ref = parseSecretRef("fuzz");
  const resource: Resource = {
    ref: parseRefPattern("github/pat"),
    resolver: "fuzz",
    secret: "{ref}",
    mode: "masked",
    ttlSeconds: 300,
    location,
    hosts: [parseHostGrant("api.test")],
    methods: undefined,
    paths: undefined,
  };
  return new EdgeService({
    sealer,
    resources: [resource],
    values: {
      get: () => Promise.resolve(new Secret(ref, new TextEncoder().encode(VALUE))),
      markUnauthorized() {},
      valuePlan,
      replacements,
    },
    dial: { connect: new Map(), upstreamCa: [], anyAddress: false },
    audit: new SwapAudit({ call: () => Promise.resolve(null) }, () => SEALED_AT),
    state: { call: () => Promise.resolve({ revoked: false }) },
    now: () => SEALED_AT,
    onRefusal() {},
  });
}

/** Repeats all that it is sent, in its head and its body, as it is and in base64. */
class EchoingHost implements Upstream {
  readonly conn: Deno.Conn;
  readonly reader: ByteReader;
  readonly trusted = true;
  readonly route = undefined;
  used = false;
  sent = "";

  constructor() {
    const head = Promise.withResolvers<void>();
    // What is used of a connection.
    this.conn = {
      write: (bytes: Uint8Array) => {
        this.sent += decodeLatin1(bytes);
        if (this.sent.includes("\r\n\r\n")) head.resolve();
        return Promise.resolve(bytes.length);
      },
      close: () => head.resolve(),
    } as unknown as Deno.Conn;
    let answer: Uint8Array | undefined;
    this.reader = new ByteReader({
      read: async (into) => {
        await head.promise;
        answer ??= this.#answer();
        const taken = answer.subarray(0, into.length);
        answer = answer.subarray(taken.length);
        into.set(taken);
        return taken.length === 0 ? null : taken.length;
      },
    });
  }

  #answer(): Uint8Array {
    const echo = this.sent.replace(/[^\x20-\x7e]/g, " ");
    const body = `${echo}\n${btoa(`x${echo}`)}`;
    return encodeLatin1(`HTTP/1.1 200 OK\r\nX-Echo: ${echo}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

/** A text as different readers of the other side take it: as it is, with escapes undone, and what base64 in it holds. */
function readings(text: string): string[] {
  const plain = [text, unescaped(text), unescaped(unescaped(text))];
  const decoded = plain.flatMap((one) => one.match(/[A-Za-z0-9+/_-]{11,}/g) ?? []).flatMap((run) =>
    [0, 1, 2, 3].map((skip) => decodedRun(run.slice(skip)))
  );
  return [...plain, ...decoded];
}

function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function decodedRun(run: string): string {
  const standard = run.replaceAll("-", "+").replaceAll("_", "/");
  return atob(standard.slice(0, standard.length - (standard.length % 4)));
}

function assertNoToken(sent: string): void {
  for (const text of readings(sent)) {
    assert.ok(!/KZ_TOK_1|KZ_PRX_1/.test(text), "a token or a pass goes out");
  }
}

function assertOnlyIn(location: CredentialLocation, sent: string): void {
  const [head = "", ...body] = sent.split("\r\n\r\n");
  const [line = "", ...fields] = head.split("\r\n");
  const target = line.split(" ")[1] ?? "";
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  const holds = (text: string) => readings(text).some((one) => one.includes(VALUE));
  assert.ok(!holds(body.join("\r\n\r\n")), "the value is in the body");
  assert.ok(!holds(path), "the value is in the path");
  for (const [name, value] of new URLSearchParams(query)) {
    assert.ok(!holds(name), "the value is in a parameter's name");
    if (holds(value)) assert.deepEqual([location.kind, name], ["query", "key"]);
  }
  const holding = fields.filter(holds);
  assert.ok(holding.length <= 1, "the value is in two fields");
  for (const field of holding) {
    const [name = "", value = ""] = field.split(/: (.*)/s);
    assert.ok(!holds(name), "the value is in a field's name");
    if (location.kind === "basic") {
      assert.deepEqual([name.toLowerCase(), atob(value.slice(6))], ["authorization", `git:${VALUE}`]);
    } else assert.equal(location.kind, "header");
    if (location.kind === "header") {
      assert.equal(name.toLowerCase(), location.name.toLowerCase());
      // Any number of spaces after a scheme.
      const expected = [...location.scheme === undefined ? [] : [location.scheme], VALUE].join(" ");
      assert.equal(value.replace(/ +/g, " ").toLowerCase(), expected.toLowerCase());
    }
  }
}
