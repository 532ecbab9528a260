/// <reference lib="deno.worker" />
import { containErrors } from "../../../policy/contain_errors.ts";
import { AppError, toWireError } from "../../../policy/error.ts";
import { answerCalls } from "../../../proxy/port_calls.ts";
import { AuditLog } from "./audit_log.ts";
import type { AuditSink } from "./audit_sink.ts";
import type { AuditMessage, AuditReport, AuditSetup } from "./protocol.ts";

// The audit worker's entry. It may write one file, or reach one collector, or nothing: standard output needs no permission.

containErrors(self, () => {
  report({ kind: "failed", error: toWireError(new AppError("INTERNAL", "Cannot go on: the audit worker broke")) });
});

const started = Promise.withResolvers<AuditLog>();
// Whoever waits is told, and the supervisor.
started.promise.catch(() => {});

self.onmessage = ({ data }: MessageEvent<AuditMessage>) => {
  switch (data.kind) {
    case "start":
      return void start(data);
    case "connect":
      answerCalls<unknown, null>(data.port, async (event) => (await started.promise).append(event));
      return;
    case "reopen":
      return void reopen();
    case "end":
      return void end();
  }
};

async function start({ sink, key, roots }: AuditSetup): Promise<void> {
  try {
    const run = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    const log = await AuditLog.open(await openSink({ sink, key, roots }), {
      run,
      key,
      now: () => Date.now(),
      onTrouble: (trouble) =>
        report(trouble === undefined ? { kind: "restored" } : { kind: "lost", error: toWireError(trouble) }),
    });
    report({ kind: "ready", ...log.position });
    started.resolve(log);
  } catch (error) {
    report({ kind: "failed", error: toWireError(error) });
    started.reject(error);
  }
}

/** What is not used is not loaded. */
async function openSink({ sink, key, roots }: AuditSetup): Promise<AuditSink> {
  switch (sink.kind) {
    case "file":
      return new (await import("./file_sink.ts")).FileSink(sink.path, key);
    case "stdout":
      return new (await import("./stdout_sink.ts")).StdoutSink();
    case "otlp":
      return new (await import("./otlp_sink.ts")).OtlpSink(sink.url, { roots });
  }
}

async function reopen(): Promise<void> {
  const log = await started.promise;
  await log.reopen();
  report({ kind: "reopened", ...log.position });
}

async function end(): Promise<void> {
  await (await started.promise)[Symbol.asyncDispose]();
  report({ kind: "ended" });
}

function report(message: AuditReport): void {
  self.postMessage(message);
}
