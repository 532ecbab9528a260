import { parseHost } from "../../../policy/host.ts";
import { Refusal } from "../../../proxy/refusal.ts";
import { dial } from "../../../proxy/upstream/dial.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;

/** What becomes of a host that our matching let through by mistake. */
async function reach(hostname: string, port: number): Promise<string> {
  const settings = { connect: new Map(), upstreamCa: [], anyAddress: false };
  const outcomes = [
    Deno.connect({ hostname, port }).then((conn) => conn.close()),
    dial({ host: parseHost(hostname.includes(":") ? `[${hostname}]` : hostname), port, named: true }, settings)
      .then(({ conn }) => conn.close()),
  ];
  const named = outcomes.map((outcome) =>
    outcome.then(() => "reached", (error: Error) => error instanceof Refusal ? error.code : error.name)
  );
  return (await Promise.all(named)).join(" ");
}

scope.onmessage = async ({ data }: MessageEvent<readonly (readonly [hostname: string, port: number])[]>) => {
  scope.postMessage(await Promise.all(data.map(([hostname, port]) => reach(hostname, port))));
};
