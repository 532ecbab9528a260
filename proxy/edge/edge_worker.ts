/**
 * The edge worker's entry: it takes its setup once, and serves until it is told to end. Its `net` permission is the
 * resources' hosts, and it has no other.
 */
import { containErrors } from "../../policy/contain_errors.ts";
import { AppError, toWireError } from "../../policy/error.ts";
import type { AuditEvent } from "../../policy/server/audit_event.ts";
import { answerCalls, PortCaller } from "../port_calls.ts";
import { EdgeFetcher } from "./edge_fetcher.ts";
import type { EdgeMessage, EdgeReport, EdgeSetup, FetchCommand, FetchReply, ValueRequest } from "./protocol.ts";
import { ValueCache } from "./value_cache.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
// The supervisor ends what it cannot trust any more.
containErrors(scope, () => {
  send({ kind: "failed", error: toWireError(new AppError("INTERNAL", "Cannot go on: the edge broke")) });
  scope.close();
});

/** Set once the setup has come. */
let end: (() => Promise<void>) | undefined;

scope.onmessage = ({ data }: MessageEvent<EdgeMessage>) => {
  if (data.kind === "end") void end?.();
  else start(data).then(send, (error) => send({ kind: "failed", error: toWireError(error) }));
};

function send(report: EdgeReport): void {
  scope.postMessage(report);
}

async function start(setup: EdgeSetup): Promise<EdgeReport> {
  using starting = new DisposableStack();
  const { resources, network } = setup;
  const audit = starting.use(new PortCaller<AuditEvent, null>(setup.audit));
  const values = starting.use(new ValueCache(starting.use(new PortCaller<ValueRequest, null>(setup.vault))));
  const fetcher = new EdgeFetcher({ resources, network, values, audit });
  starting.use(answerCalls<FetchCommand, FetchReply>(setup.front, (command) => fetcher.fetch(command)));
  const serving = starting.move();
  end = async () => {
    await fetcher.close();
    // The last answers are on their way to their port.
    await new Promise((resolve) => setTimeout(resolve, 0));
    serving[Symbol.dispose]();
    send({ kind: "ended" });
    scope.close();
  };
  return await Promise.resolve({ kind: "ready", proxy: undefined });
}
