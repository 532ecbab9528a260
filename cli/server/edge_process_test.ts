import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { parseHost } from "../../policy/host.ts";
import type { AuditEvent } from "../../policy/server/audit_event.ts";
import type { FetchCommand, FetchReply, ProxyListen, StateAnswer, StateRequest } from "../../proxy/edge/protocol.ts";
import { answer, isDenial, labCommand, labResource, LabVault, text } from "../../proxy/edge/testing/fetch_lab.ts";
import { VALUE_STAND_IN } from "../../proxy/edge/value_cache.ts";
import { answerCalls, PortCaller } from "../../proxy/port_calls.ts";
import { CANARY, readAll, utf8 } from "../../proxy/testing/lab.ts";
import { RawUpstream } from "../../proxy/testing/raw_upstream.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { EdgeProcess } from "./edge_process.ts";

interface ProcessLab extends AsyncDisposable {
  readonly edge: EdgeProcess;
  readonly host: RawUpstream;
  readonly audit: readonly AuditEvent[];
  readonly proxyPort: number | undefined;
  readonly caPem: string | undefined;
  fetch(changes?: Partial<FetchCommand>): Promise<FetchReply>;
}

/** An edge worker as the supervisor starts it, with the ends of its ports here. */
async function start(
  { respond, proxy }: { respond: (request: string) => string | Promise<string>; proxy?: ProxyListen },
): Promise<ProcessLab> {
  await using stack = new AsyncDisposableStack();
  const ca = await CertificateAuthority.create({ now: new Date() });
  const host = stack.use(new RawUpstream(await ca.issue(parseHost("api.test")), respond));
  const vault = stack.use(new LabVault({ "github-pat": CANARY }));
  const audit: AuditEvent[] = [];
  const channels = {
    front: new MessageChannel(),
    vault: new MessageChannel(),
    audit: new MessageChannel(),
    state: new MessageChannel(),
  };
  const front = stack.use(new PortCaller<FetchCommand, FetchReply>(channels.front.port1));
  stack.use(vault.answer(channels.vault.port1));
  stack.use(answerCalls<AuditEvent, null>(channels.audit.port1, (event) => {
    audit.push(event);
    return Promise.resolve(null);
  }));
  stack.use(
    answerCalls<StateRequest, StateAnswer>(channels.state.port1, () => Promise.resolve({ revoked: false })),
  );
  const resource = labResource();
  const edge = stack.use(
    new EdgeProcess({
      resources: [resource],
      network: {
        connect: new Map([[parseHost("api.test"), { hostname: "127.0.0.1", port: host.port }]]),
        upstreamCa: [ca.certificatePem],
      },
      proxy,
    }),
  );
  const ready = await edge.serve({
    serverKey: crypto.getRandomValues(new Uint8Array(32)),
    front: channels.front.port2,
    vault: channels.vault.port2,
    audit: channels.audit.port2,
    state: channels.state.port2,
  });
  const owned = stack.move();
  return {
    edge,
    host,
    audit,
    proxyPort: ready.proxy?.port,
    caPem: ready.proxy?.caPem,
    fetch: (changes) => front.call(labCommand(resource, changes)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("EdgeProcess carries a fetch in its worker, where the value stays [S-5.5]", async () => {
  await using lab = await start({ respond: () => answer(`you sent ${CANARY}`, "Content-Type: text/plain\r\n") });
  const reply = await lab.fetch({ url: "https://api.test/repos", method: "POST", body: utf8("{}") });
  assert.equal(text(reply), `you sent ${VALUE_STAND_IN}`);
  assert.deepEqual(reply.headers, [["content-type", "text/plain"]]);
  assert.match(lab.host.requests[0]!, new RegExp(`^POST /repos [^]*Authorization: Bearer ${CANARY}\r\n`));
  assert.deepEqual(lab.audit.map(({ outcome, status }) => [outcome, status]), [["allowed", undefined], [
    "allowed",
    200,
  ]]);
  assert.equal(lab.proxyPort, undefined);
});

Deno.test("TM-34 EdgeProcess gives denials back as such", async () => {
  await using lab = await start({ respond: () => answer("x") });
  await assert.rejects(lab.fetch({ url: "https://evil.test/" }), isDenial("TARGET_DENIED"));
  await assert.rejects(lab.fetch({ headers: [["Authorization", "x"]] }), isDenial("HEADER_COLLIDES", /leave out/));
  assert.equal(lab.host.connections, 0);
});

Deno.test("EdgeProcess with a proxy listens where it is told, and lets nobody in without a pass", async () => {
  await using lab = await start({ respond: () => answer("x"), proxy: { hostname: "127.0.0.1", port: 0 } });
  assert.match(lab.caPem ?? "", /^-----BEGIN CERTIFICATE-----/);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: lab.proxyPort! });
  await conn.write(utf8("CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nConnection: close\r\n\r\n"));
  assert.match(await readAll(conn), /^HTTP\/1\.1 407 /);
  conn.close();
  assert.equal(text(await lab.fetch()), "x");
});

Deno.test("EdgeProcess says why it cannot start", async () => {
  // RFC 5737: no machine has it.
  const starting = start({ respond: () => "", proxy: { hostname: "192.0.2.1", port: 3128 } });
  await assert.rejects(starting, (error) => error instanceof AppError && error.code === "SERVER_LISTEN_FAILED");
});

Deno.test("EdgeProcess that ends lets a fetch that has begun come to its end", async () => {
  const go = Promise.withResolvers<string>();
  await using lab = await start({ respond: () => go.promise });
  const fetching = lab.fetch();
  while (lab.host.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  let isEnded = false;
  const ending = lab.edge.end(10_000).then(() => isEnded = true);
  await assert.rejects(lab.fetch(), isDenial("OVERLOADED", /ending/));
  assert.equal(isEnded, false);
  go.resolve(answer("late"));
  assert.equal(text(await fetching), "late");
  await ending;
});

Deno.test("EdgeProcess does not wait for ever when it ends", async () => {
  const never = Promise.withResolvers<string>();
  await using lab = await start({ respond: () => never.promise });
  void lab.fetch().catch(() => {});
  while (lab.host.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const began = performance.now();
  await lab.edge.end(100);
  assert.ok(performance.now() - began < 5_000);
  never.resolve("");
});
