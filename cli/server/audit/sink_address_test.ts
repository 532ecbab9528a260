import assert from "node:assert/strict";
import { parseSink, type SinkAddress, sinkNet } from "./sink_address.ts";

const otlp = (url: string): SinkAddress => ({ kind: "otlp", url });

const TABLE: readonly (readonly [text: string, expected: SinkAddress])[] = [
  ["stdout", { kind: "stdout" }],
  ["file:/var/log/audit.log", { kind: "file", path: "/var/log/audit.log" }],
  ["file:logs/audit.log", { kind: "file", path: "/srv/logs/audit.log" }],
  ["file:a:b", { kind: "file", path: "/srv/a:b" }],
  ["otlp:https://collector.test:4318", otlp("https://collector.test:4318/v1/logs")],
  ["otlp:https://collector.test", otlp("https://collector.test:4318/v1/logs")],
  ["otlp:https://collector.test/", otlp("https://collector.test:4318/v1/logs")],
  ["otlp:https://collector.test:443/otlp", otlp("https://collector.test/otlp/v1/logs")],
  ["otlp:https://collector.test:8443/v1/logs", otlp("https://collector.test:8443/v1/logs")],
  ["otlp:http://127.0.0.1:4318", otlp("http://127.0.0.1:4318/v1/logs")],
  ["otlp:http://localhost:80", otlp("http://localhost/v1/logs")],
  ["otlp:http://[::1]", otlp("http://[::1]:4318/v1/logs")],
];
for (const [text, expected] of TABLE) {
  Deno.test({
    name: `parseSink() reads ${text} [S-7.2]`,
    ignore: Deno.build.os === "windows",
    fn: () => assert.deepEqual(parseSink(text, { cwd: "/srv" }), expected),
  });
}

const REFUSED = [
  "",
  "stdout:",
  "STDOUT",
  "/var/log/audit.log",
  "file:",
  "file:/var/log/",
  "file:a\0b",
  "syslog:local0",
  "otlp:",
  "otlp:collector.test",
  "otlp:ftp://collector.test",
  "otlp:https://user:kz-canary@collector.test",
  "otlp:https://kz-canary@collector.test",
  "otlp:https://collector.test/?key=kz-canary",
  "otlp:https://collector.test/#kz-canary",
  "otlp:http://collector.test:4318",
  "otlp:http://10.0.0.1:4318",
  "otlp:http://127.0.0.1.evil.test",
];
for (const text of REFUSED) {
  Deno.test(`parseSink() refuses ${JSON.stringify(text)} and does not repeat it`, () => {
    assert.throws(() => parseSink(text, { cwd: "/srv" }), (error: Error & { code?: string; hints?: string[] }) => {
      assert.equal(error.code, "AUDIT_SINK_INVALID");
      assert.ok(!error.message.includes("kz-canary") && !error.message.includes("evil"));
      return true;
    });
  });
}

Deno.test("parseSink() takes plain http to another machine where that was allowed", () => {
  const sink = parseSink("otlp:http://collector.test", { cwd: "/srv", insecureHttp: true });
  assert.deepEqual(sink, otlp("http://collector.test:4318/v1/logs"));
});

const NET: readonly (readonly [url: string, expected: string])[] = [
  ["https://collector.test/v1/logs", "collector.test:443"],
  ["http://localhost/v1/logs", "localhost:80"],
  ["http://[::1]:4318/v1/logs", "[::1]:4318"],
];
for (const [url, expected] of NET) {
  Deno.test(`sinkNet() of ${url}`, () => assert.equal(sinkNet(url), expected));
}
