/**
 * The proxy worker's entry: it makes the run's CA while the values are being resolved, takes its setup once, and serves
 * until it is terminated. It has no permission but `net`, as narrow as the rules allow.
 */
import { containErrors } from "../policy/contain_errors.ts";
import { AppError, toWireError } from "../policy/error.ts";
import { SERVER_PROXY_REF } from "../policy/server/server_proxy.ts";
import { ClientLogin } from "./client_login.ts";
import { hostMatcher } from "./host_matcher.ts";
import type { ProxyMessage, ProxySetup, SupervisorMessage, ValueFromResolver } from "./protocol.ts";
import { ProxyServer } from "./proxy_server.ts";
import { runService } from "./proxy_service.ts";
import type { Refusal } from "./refusal.ts";
import { RunSecrets } from "./run_secrets.ts";
import { ServerTokens } from "./server_tokens.ts";
import { CertificateAuthority } from "./tls/certificate_authority.ts";
import { TlsTerminator } from "./tls/tls_terminator.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
// The supervisor ends what it cannot trust any more: the child's network closes with this worker.
containErrors(scope, () => {
  send({ kind: "failed", error: toWireError(new AppError("INTERNAL", "Cannot go on: the proxy broke")) });
  scope.close();
});
const authority = CertificateAuthority.create({ now: new Date() });

scope.onmessage = ({ data }: MessageEvent<SupervisorMessage>) => {
  if (data.kind === "renew") renewFrom(data.valuePort);
  else start(data).then(send, (error) => send({ kind: "failed", error: toWireError(error) }));
};

function send(message: ProxyMessage): void {
  scope.postMessage(message);
}

/** Set once the values have come. */
let secrets: RunSecrets | undefined;
let server: ServerTokens | undefined;

async function start(setup: ProxySetup): Promise<ProxyMessage> {
  const [ca, matcher, values] = await Promise.all([authority, hostMatcher(setup.rules), receiveValues(setup)]);
  const run = secrets = new RunSecrets(
    setup.secrets,
    values,
    ({ secret, field, from: { host } }) => send({ kind: "minted", secret, field, host }),
  );
  const serverTokens = setup.serverProxy ? takeServer(run, values.get(SERVER_PROXY_REF)!) : undefined;
  const login = new ClientLogin(crypto.getRandomValues(new Uint8Array(16)));
  const { rules, connect, upstreamCa, anyAddress } = setup;
  const server = new ProxyServer({
    service: runService({
      policy: {
        rules,
        matcher,
        tokens: run.tokens,
        get anyInBody() {
          return run.anyInBody;
        },
        awsKeys: run.awsKeys,
        get outgoingPlan() {
          return run.outgoingPlan;
        },
        get valuePlan() {
          return run.valuePlan;
        },
        minting: run.minting,
        dial: { connect, upstreamCa, anyAddress },
        ...(serverTokens === undefined ? {} : { server: serverTokens }),
        onUnauthorized: (secrets) => send({ kind: "unauthorized", secrets }),
      },
      login,
      onRefusal: ({ code, facts }: Refusal) => send({ kind: "refused", code, facts }),
    }),
    terminator: new TlsTerminator(ca),
  });
  return {
    kind: "ready",
    port: server.port,
    user: ClientLogin.user,
    password: login.password,
    caPem: ca.certificatePem,
    masked: run.masked,
    revealing: Object.keys(setup.variables).filter((name) => run.isRevealing(setup.variables[name]!)),
    revealingArgs: setup.args.some((arg) => run.isRevealing(arg)),
    unscrubbed: run.unscrubbed,
  };
}

/** @throws {AppError} for a way that cannot be gone. */
function takeServer(run: RunSecrets, bytes: Uint8Array): ServerTokens {
  try {
    server = new ServerTokens(takeText(bytes), {
      onPassRefused: () => send({ kind: "unauthorized", secrets: new Set([SERVER_PROXY_REF]) }),
      isSealed: (name) => run.isSealed(name),
    });
  } catch (cause) {
    throw new AppError("PROVIDER_SOURCE_INVALID", "Cannot use the server's proxy: its URL cannot be read", { cause });
  }
  // Known only now, when permissions are given already: with narrow rules they hold the server's own name.
  const { proxyAddress } = server;
  if (
    proxyAddress !== undefined && Deno.permissions.querySync({ name: "net", host: proxyAddress }).state !== "granted"
  ) {
    throw new AppError("POLICY_HOST_DENIED", "Cannot use the server's proxy: it has another name than the server", {
      hints: ["Let the server and its proxy have one name, or add a connection rule that allows the proxy's"],
    });
  }
  return server;
}

function takeText(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  bytes.fill(0);
  return text;
}

/** Longer than any provider may take; after it nothing more comes on a port. */
const RENEW_PORT_MS = 60_000;

/** Takes values that were read anew, as they come. A long run would otherwise gather the ports. */
function renewFrom(port: MessagePort): void {
  setTimeout(() => port.close(), RENEW_PORT_MS);
  port.onmessage = ({ data: { id, bytes } }: MessageEvent<ValueFromResolver>) => {
    try {
      // Its pass is new each time, which is no news.
      if (id === SERVER_PROXY_REF) server?.renew(takeText(bytes));
      else if (secrets?.renew(id, bytes) === true) send({ kind: "renewed", secret: id });
    } catch {
      // Not text: the value before stays.
      bytes.fill(0);
    }
  };
}

/** Waits until the resolvers have sent the value of every secret. */
function receiveValues({ secrets, serverProxy, valuePorts }: ProxySetup): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  const expected = secrets.length + (serverProxy ? 1 : 0);
  if (expected === 0) return Promise.resolve(values);
  return new Promise((resolve) => {
    for (const port of valuePorts) {
      port.onmessage = ({ data }: MessageEvent<ValueFromResolver>) => {
        values.set(data.id, data.bytes);
        if (values.size < expected) return;
        for (const done of valuePorts) done.close();
        resolve(values);
      };
    }
  });
}
