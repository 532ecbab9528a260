/// <reference lib="deno.worker" />
import { containErrors } from "../../../policy/contain_errors.ts";
import { AppError, toWireError } from "../../../policy/error.ts";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import { TokenSealer } from "../../../proxy/edge/token_sealer.ts";
import { PortCaller } from "../../../proxy/port_calls.ts";
import { CallerLimiter } from "../http/caller_limiter.ts";
import { SERVER_LIMITS } from "../http/server_limits.ts";
import { FrontBroker } from "./front_broker.ts";
import { FrontDoors } from "./front_doors.ts";
import { Generation } from "./generation.ts";
import type { FrontMessage, FrontReport, FrontSetup } from "./protocol.ts";

// The entry of the front worker. It may listen, and nothing else.

/** Requests that were decided by the bundle before may still be waiting for its edge. */
const OLD_GENERATION_MS = 60_000;

const scope = self as unknown as DedicatedWorkerGlobalScope;
containErrors(scope, () => {
  send({ kind: "failed", error: toWireError(new AppError("INTERNAL", "Cannot go on: the front worker broke")) });
  scope.close();
});

let front: { broker: FrontBroker; doors: FrontDoors } | undefined;

scope.onmessage = ({ data }: MessageEvent<FrontMessage>) => {
  handle(data).then(send, (error) => send({ kind: "failed", error: toWireError(error) }));
};

function send(report: FrontReport): void {
  scope.postMessage(report);
}

async function handle(message: FrontMessage): Promise<FrontReport> {
  switch (message.kind) {
    case "start":
      return await start(message);
    case "renew": {
      if (front === undefined) throw new AppError("INTERNAL", "Cannot renew bundle: nothing was started");
      const before = front.broker.generation;
      front.broker.generation = new Generation(message);
      setTimeout(() => before[Symbol.dispose](), OLD_GENERATION_MS);
      return { kind: "renewed" };
    }
    case "end":
      await front?.doors.shutdown(message.graceMs);
      return { kind: "ended" };
  }
}

async function start(setup: FrontSetup): Promise<FrontReport> {
  const limiter = new CallerLimiter(SERVER_LIMITS, () => performance.now());
  const broker = new FrontBroker(new Generation(setup), {
    sealer: await TokenSealer.create(setup.serverKey),
    limiter,
    audit: new PortCaller<AuditEvent, null>(setup.audit),
    onFault: (thrown) => send({ kind: "fault", causes: toWireError(thrown).causes }),
  });
  const doors = await FrontDoors.open(setup, { broker, limiter });
  front = { broker, doors };
  return { kind: "ready", port: doors.port };
}
