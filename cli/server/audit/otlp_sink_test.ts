// Long: a collector that checks what it is sent against the published messages, and a table for each kind of answer.
import assert from "node:assert/strict";
import { parseHost } from "../../../policy/host.ts";
import { CertificateAuthority } from "../../../proxy/tls/certificate_authority.ts";
import { AuditLog } from "./audit_log.ts";
import { AuditProcess } from "./audit_process.ts";
import { parseLine } from "./audit_line.ts";
import { ChainVerifier } from "./chain_verifier.ts";
import { rejectedRecords } from "./otlp_request.ts";
import { OtlpSink } from "./otlp_sink.ts";
import { parseSink } from "./sink_address.ts";
import { numbered } from "./testing/open_log.ts";

type Json = Record<string, unknown>;

/** What a collector does with a request. */
type Answer = (body: Json) => Response | Promise<Response>;

/** A server that reads requests as OTLP/HTTP says, and fails on what it does not know. */
class Collector implements AsyncDisposable {
  /** The bodies of all records that were accepted, in their order. */
  readonly lines: string[] = [];
  readonly records: Json[] = [];
  requests = 0;
  readonly faults: string[] = [];
  answer: Answer = () => Response.json({});
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(port = 0, tls: { cert: string; key: string } | Record<never, never> = {}) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {}, ...tls }, async (request) => {
      this.requests++;
      try {
        assert.equal(request.method, "POST");
        assert.equal(new URL(request.url).pathname, "/v1/logs");
        assert.equal(request.headers.get("content-type"), "application/json");
        const body: Json = JSON.parse(await request.text());
        const records = recordsOf(body);
        const response = await this.answer(body);
        if (response.ok) {
          this.records.push(...records);
          this.lines.push(...records.map(({ body }) => String((body as Json)["stringValue"])));
        }
        return response;
      } catch (error) {
        this.faults.push(String(error));
        return new Response(null, { status: 400 });
      }
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1/logs`;
  }

  /** The lines each once, since what was not answered is sent again, must be a chain. */
  checkChain(): string[] {
    const verifier = new ChainVerifier({ key: undefined, from: "beginning" });
    const once = [...new Set(this.lines)];
    for (const line of once) assert.equal(verifier.accept(line), undefined, line);
    return once;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    assert.deepEqual(this.faults, []);
  }
}

/**
 * The records of an `ExportLogsServiceRequest`, checked strictly against the messages' fields.
 *
 * @see opentelemetry/proto/collector/logs/v1/logs_service.proto, logs/v1/logs.proto, common/v1/common.proto
 */
function recordsOf(body: Json): Json[] {
  only(body, ["resourceLogs"]);
  return listOf(body["resourceLogs"]).flatMap((resourceLogs) => {
    only(resourceLogs, ["resource", "scopeLogs", "schemaUrl"]);
    checkAttributes((resourceLogs["resource"] as Json)["attributes"]);
    return listOf(resourceLogs["scopeLogs"]).flatMap((scopeLogs) => {
      only(scopeLogs, ["scope", "logRecords", "schemaUrl"]);
      only(scopeLogs["scope"] as Json, ["name", "version", "attributes"]);
      return listOf(scopeLogs["logRecords"]).map(checkRecord);
    });
  });
}

function checkRecord(record: Json): Json {
  only(record, [
    "timeUnixNano",
    "observedTimeUnixNano",
    "severityNumber",
    "severityText",
    "body",
    "attributes",
    "eventName",
  ]);
  for (const name of ["timeUnixNano", "observedTimeUnixNano"]) assert.match(String(record[name]), /^\d{19}$/);
  assert.equal(typeof record["timeUnixNano"], "string");
  assert.ok([9, 13, 17].includes(Number(record["severityNumber"])) && typeof record["severityNumber"] === "number");
  only(record["body"] as Json, ["stringValue"]);
  checkAttributes(record["attributes"]);
  return record;
}

function checkAttributes(value: unknown): void {
  const keys = listOf(value).map((attribute) => {
    only(attribute, ["key", "value"]);
    const any = attribute["value"] as Json;
    assert.ok(typeof any["stringValue"] === "string" || /^\d+$/.test(String(any["intValue"])));
    assert.equal(Object.keys(any).length, 1);
    return attribute["key"];
  });
  // opentelemetry/proto/common/v1: attribute keys MUST be unique.
  assert.equal(new Set(keys).size, keys.length);
}

function only(value: Json, names: readonly string[]): void {
  for (const name of Object.keys(value)) assert.ok(names.includes(name), name);
}

function listOf(value: unknown): Json[] {
  assert.ok(Array.isArray(value));
  return value;
}

async function logTo(url: string, more: { pauseMs?: number; writeTimeoutMs?: number } = {}): Promise<
  AsyncDisposable & { readonly log: AuditLog; readonly troubles: readonly (string | undefined)[] }
> {
  const troubles: (string | undefined)[] = [];
  const log = await AuditLog.open(new OtlpSink(url, { roots: [], writeTimeoutMs: 400, pauseMs: 50, ...more }), {
    run: "0123456789abcdef",
    key: undefined,
    now: () => Date.now(),
    onTrouble: (trouble) => troubles.push(trouble?.message),
  });
  return { log, troubles, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("an audit worker sends each line to a collector, as a record of OTLP [S-7.2]", async () => {
  await using collector = new Collector();
  const sink = parseSink(`otlp:http://127.0.0.1:${collector.port}`, { cwd: "/" });
  {
    await using audit = await AuditProcess.start({ sink, key: undefined, onTrouble: () => assert.fail() });
    await audit.append({
      event: "fetch",
      outcome: "denied",
      code: "POLICY_DENIED",
      subject: "agent",
      policy: "default-deny",
      status: 403,
    });
  }
  const [genesis, line] = collector.checkChain();
  assert.equal(collector.lines.length, 2);
  assert.ok(parseLine(genesis!)?.isGenesis);
  assert.equal(JSON.parse(line!).subject, "agent");
  const record = collector.records[1]!;
  assert.equal(record["severityText"], "WARN");
  assert.equal(record["eventName"], "keyzero.audit.fetch");
  assert.deepEqual(record["attributes"], [
    { key: "keyzero.seq", value: { intValue: "2" } },
    { key: "keyzero.event", value: { stringValue: "fetch" } },
    { key: "keyzero.outcome", value: { stringValue: "denied" } },
    { key: "keyzero.code", value: { stringValue: "POLICY_DENIED" } },
    { key: "keyzero.subject", value: { stringValue: "agent" } },
    { key: "keyzero.policy", value: { stringValue: "default-deny" } },
    { key: "keyzero.status", value: { intValue: "403" } },
  ]);
  assert.equal(Date.parse(JSON.parse(line!).at), Number(String(record["timeUnixNano"]).slice(0, -6)));
});

Deno.test("an audit worker does not start when its collector does not answer [S-7.2]", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(logTo(`http://127.0.0.1:${port}/v1/logs`), {
    code: "AUDIT_UNWRITABLE",
    message: `Cannot send audit log to "http://127.0.0.1:${port}/v1/logs": it does not answer`,
  });
});

Deno.test("an audit worker believes a collector's certificate under the roots it was given, and no other [S-7.2]", async () => {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem: cert, keyPem: key } = await authority.issue(parseHost("localhost"));
  await using collector = new Collector(0, { cert, key });
  const sink = parseSink(`otlp:https://localhost:${collector.port}`, { cwd: "/" });
  const options = { sink, key: undefined, onTrouble: () => assert.fail() };
  {
    await using audit = await AuditProcess.start({ ...options, roots: [authority.certificatePem] });
    await audit.append(numbered(1));
  }
  assert.equal(collector.checkChain().length, 2);
  await assert.rejects(AuditProcess.start(options), { code: "AUDIT_UNWRITABLE" });
  assert.equal(collector.lines.length, 2);
});

Deno.test("OtlpSink sends lines that wait together", async () => {
  await using collector = new Collector();
  await using open = await logTo(collector.url);
  await Promise.all(Array.from({ length: 100 }, (_, n) => open.log.append(numbered(n))));
  assert.equal(collector.checkChain().length, 101);
  assert.ok(collector.requests <= 4, `${collector.requests}`);
});

const PASSING: readonly (readonly [why: string, response: () => Response])[] = [
  ["an empty message", () => Response.json({})],
  ["an empty body", () => new Response("", { status: 200 })],
  ["a warning", () => Response.json({ partialSuccess: { rejectedLogRecords: "0", errorMessage: "careful" } })],
  ["no rejections, as a number", () => Response.json({ partialSuccess: { rejectedLogRecords: 0 } })],
  ["a partial success without a count", () => Response.json({ partialSuccess: {} })],
  ["status 202", () => Response.json({}, { status: 202 })],
];
for (const [why, response] of PASSING) {
  Deno.test(`OtlpSink takes ${why} as an acknowledgement`, async () => {
    await using collector = new Collector();
    collector.answer = response;
    await using open = await logTo(collector.url);
    assert.equal(await open.log.append(numbered(1)), null);
  });
}

const FINAL: readonly (readonly [why: string, response: () => Response, state: string])[] = [
  [
    "some records",
    () => Response.json({ partialSuccess: { rejectedLogRecords: "1" } }),
    "it refuses some of the records",
  ],
  ["the request as bad", () => new Response(null, { status: 400 }), "it answers with status 400"],
  ["a request without credentials", () => new Response(null, { status: 401 }), "it answers with status 401"],
  ["the request as too large", () => new Response(null, { status: 413 }), "it answers with status 413"],
  [
    "with a fault that is not one to try again at",
    () => new Response(null, { status: 500 }),
    "it answers with status 500",
  ],
  [
    "by a redirect",
    () => new Response(null, { status: 307, headers: { location: "http://127.0.0.1:1/v1/logs" } }),
    "it answers with status 307",
  ],
  ["with a page", () => new Response("<html>"), "its answer is none of OTLP in JSON"],
  ["with a list", () => Response.json([]), "its answer is none of OTLP in JSON"],
  ["with an endless answer", () => new Response("x".repeat(100_000)), "its answer is none of OTLP in JSON"],
];
for (const [why, response, state] of FINAL) {
  Deno.test(`OtlpSink denies when a collector refuses ${why}, sends once, and goes on after [S-7.2]`, async () => {
    await using collector = new Collector();
    await using open = await logTo(collector.url);
    collector.answer = response;
    const before = collector.requests;
    await assert.rejects(open.log.append(numbered(1)), { code: "AUDIT_UNAVAILABLE" });
    assert.equal(collector.requests, before + 1);
    assert.deepEqual(open.troubles, [`Cannot send audit log to "${collector.url}": ${state}`]);
    collector.answer = () => Response.json({});
    await open.log.append(numbered(2));
    assert.deepEqual(open.troubles.slice(1), [undefined]);
    // What was refused is not in the chain, or is in it as taken.
    collector.checkChain();
  });
}

for (const status of [429, 502, 503, 504]) {
  Deno.test(`OtlpSink tries again after status ${status}`, async () => {
    await using collector = new Collector();
    await using open = await logTo(collector.url, { writeTimeoutMs: 3_000 });
    let left = 2;
    collector.answer = () => left-- > 0 ? new Response(null, { status }) : Response.json({});
    await open.log.append(numbered(1));
    assert.deepEqual([left, collector.checkChain().length, open.troubles], [-1, 2, []]);
  });
}

Deno.test("OtlpSink waits as long as a collector asks for, and not longer than its callers", async () => {
  await using collector = new Collector();
  await using open = await logTo(collector.url, { writeTimeoutMs: 3_000 });
  const asked: number[] = [];
  const retryAfter = (seconds: string) => () => {
    asked.push(performance.now());
    return asked.length > 1
      ? Response.json({})
      : new Response(null, { status: 503, headers: { "retry-after": seconds } });
  };
  collector.answer = retryAfter("1");
  await open.log.append(numbered(1));
  assert.ok(asked[1]! - asked[0]! >= 990, `${asked[1]! - asked[0]!}`);
  asked.length = 0;
  collector.answer = retryAfter("100");
  await assert.rejects(open.log.append(numbered(2)), { code: "AUDIT_UNAVAILABLE" });
  assert.equal(asked.length, 1);
});

Deno.test("OtlpSink denies at once while a collector is away, and fills the gap when it is back [S-7.2]", async () => {
  let collector = new Collector();
  const { port, url } = collector;
  const lines: string[] = [];
  try {
    await using open = await logTo(url, { pauseMs: 200 });
    await open.log.append(numbered(1));
    await collector[Symbol.asyncDispose]();
    lines.push(...collector.lines);
    await assert.rejects(open.log.append(numbered(2)), { code: "AUDIT_UNAVAILABLE" });
    const start = performance.now();
    for (let n = 0; n < 20; n++) await assert.rejects(open.log.append(numbered(3)), { code: "AUDIT_UNAVAILABLE" });
    assert.ok(performance.now() - start < 190);
    assert.deepEqual(open.troubles, [`Cannot send audit log to "${url}": it does not answer`]);
    collector = new Collector(port);
    await wait(250);
    await open.log.append(numbered(4));
    assert.deepEqual(open.troubles.slice(1), [undefined]);
    collector.lines.unshift(...lines);
    const subjects = collector.checkChain().map((line) => JSON.parse(line).subject);
    // What was sent and not answered was denied to its caller, and stands in the log all the same.
    assert.deepEqual(subjects, [undefined, "agent-1", "agent-2", "agent-4"]);
  } finally {
    await collector[Symbol.asyncDispose]();
  }
});

Deno.test("OtlpSink does not wait for a collector that takes a request and says nothing", async () => {
  await using collector = new Collector();
  await using open = await logTo(collector.url, { writeTimeoutMs: 150 });
  const { promise, resolve } = Promise.withResolvers<Response>();
  collector.answer = () => promise;
  const start = performance.now();
  await assert.rejects(open.log.append(numbered(1)), { code: "AUDIT_UNAVAILABLE" });
  assert.ok(performance.now() - start < 2_000);
  resolve(Response.json({}));
});

const REJECTED: readonly (readonly [text: string, expected: number | undefined])[] = [
  ["", 0],
  ["{}", 0],
  ['{"partialSuccess":null}', 0],
  ['{"partialSuccess":{"rejectedLogRecords":"3"}}', 3],
  ['{"partialSuccess":{"rejectedLogRecords":3}}', 3],
  ['{"partialSuccess":{"rejectedLogRecords":"many"}}', undefined],
  ['{"partialSuccess":{"rejectedLogRecords":1.5}}', undefined],
  ['{"partialSuccess":[]}', undefined],
  ['{"__proto__":{"partialSuccess":{"rejectedLogRecords":"3"}}}', 0],
  ["null", undefined],
  ["\0\x01", undefined],
];
for (const [text, expected] of REJECTED) {
  Deno.test(`rejectedRecords() reads ${JSON.stringify(text)}`, () => assert.equal(rejectedRecords(text), expected));
}
