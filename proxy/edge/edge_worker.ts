/**
 * The edge worker's entry: it takes its setup once, and serves until it is told to end. Its `net` permission is the
 * resources' hosts, and it has no other.
 */
import { containErrors } from "../../policy/contain_errors.ts";
import { AppError, toWireError } from "../../policy/error.ts";
import type { AuditEvent } from "../../policy/server/audit_event.ts";
import { answerCalls, PortCaller } from "../port_calls.ts";
import { edgeDial, EdgeFetcher } from "./edge_fetcher.ts";
import type { EdgeProxy, EdgeProxyOptions } from "./edge_proxy.ts";
import type {
  EdgeMessage,
  EdgeReport,
  EdgeSetup,
  FetchCommand,
  FetchReply,
  ProxyListen,
  StateAnswer,
  StateRequest,
  ValueRequest,
} from "./protocol.ts";
import { ValueCache } from "./value_cache.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
// The supervisor ends what it cannot trust any more.
containErrors(scope, () => {
  send({ kind: "failed", error: toWireError(new AppError("INTERNAL", "Cannot go on: the edge broke")) });
  scope.close();
});

/** What a started edge can be told. */
interface Serving {
  yield(): void;
  resume(): Promise<void>;
  end(): Promise<void>;
}

/** Set once the setup has come. */
let serving: Serving | undefined;

const fail = (error: unknown) => send({ kind: "failed", error: toWireError(error) });

scope.onmessage = ({ data }: MessageEvent<EdgeMessage>) => {
  switch (data.kind) {
    case "start":
      start(data).then(send, fail);
      break;
    case "yield":
      serving?.yield();
      break;
    case "resume":
      serving?.resume().catch(fail);
      break;
    case "end":
      serving?.end().catch(fail);
  }
};

function send(report: EdgeReport): void {
  scope.postMessage(report);
}

/** The proxy of the bundle before ends its listener when it is told to end, which is before this one starts. */
const LISTEN_WAIT_MS = 5_000;
/** What streams through the proxy for longer is cut when the server ends; a fetch is over by then. */
const PROXY_GRACE_MS = 30_000;

async function start(setup: EdgeSetup): Promise<EdgeReport> {
  await using starting = new AsyncDisposableStack();
  const { resources, network, serverKey } = setup;
  const audit = starting.use(new PortCaller<AuditEvent, null>(setup.audit));
  const state = starting.use(new PortCaller<StateRequest, StateAnswer>(setup.state));
  const vault = starting.use(new PortCaller<ValueRequest, null>(setup.vault));
  const values = starting.use(new ValueCache(vault));
  const dial = edgeDial(network);
  const fetcher = new EdgeFetcher({ resources, dial, values, audit });
  const openProxy = async (listen: ProxyListen | undefined) =>
    listen === undefined ? undefined : await startProxy(listen, {
      resources,
      serverKey,
      values,
      dial,
      audit,
      state,
      listenWaitMs: LISTEN_WAIT_MS,
      onRefusal: ({ code, facts }) => send({ kind: "refused", code, facts }),
    });
  let proxy = await openProxy(setup.proxy);
  starting.use(answerCalls<FetchCommand, FetchReply>(setup.front, async (command, handOver) => {
    const reply = await fetcher.fetch(command);
    handOver.push(reply.body.buffer);
    return reply;
  }, { onFault: (thrown) => send({ kind: "fault", causes: toWireError(thrown).causes }) }));
  const scopeOfAll = starting.move();
  const yielded = new Set<EdgeProxy>();
  serving = {
    yield() {
      if (proxy === undefined) return;
      proxy.stopAccepting();
      yielded.add(proxy);
    },
    async resume() {
      if (setup.proxy !== undefined && proxy !== undefined) {
        proxy = await openProxy({ ...setup.proxy, port: proxy.port });
      }
    },
    async end() {
      const proxies = new Set([...yielded, ...(proxy === undefined ? [] : [proxy])]);
      await Promise.all([fetcher.close(), ...Array.from(proxies, (one) => one.end(PROXY_GRACE_MS))]);
      // The last answers are on their way to their port.
      await new Promise((resolve) => setTimeout(resolve, 0));
      await scopeOfAll.disposeAsync();
      send({ kind: "ended" });
      scope.close();
    },
  };
  return { kind: "ready", proxy: proxy === undefined ? undefined : { port: proxy.port, caPem: proxy.caPem } };
}

/** A server without a proxy does not load it. */
async function startProxy(listen: ProxyListen, options: Omit<EdgeProxyOptions, "listen">): Promise<EdgeProxy> {
  const { EdgeProxy } = await import("./edge_proxy.ts");
  return await EdgeProxy.start({ ...options, listen });
}
