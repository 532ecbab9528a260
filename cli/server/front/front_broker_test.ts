import assert from "node:assert/strict";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { join } from "node:path";
import type { AuditEvent } from "../../../policy/server/audit_event.ts";
import { Denial } from "../../../policy/server/denial.ts";
import type { FetchCommand, FetchReply } from "../../../proxy/edge/protocol.ts";
import { TokenSealer } from "../../../proxy/edge/token_sealer.ts";
import { answerCalls, PortCaller } from "../../../proxy/port_calls.ts";
import { readBundle } from "../bundle/read_bundle.ts";
import { CallerLimiter } from "../http/caller_limiter.ts";
import { SERVER_LIMITS } from "../http/server_limits.ts";
import { FrontBroker } from "./front_broker.ts";
import { Generation } from "./generation.ts";

// The broker with its own bundle and JWTs, and the other end of each of its ports in the test's hands.

const ISSUER = "https://auth.example.test";

interface Lab extends AsyncDisposable {
  readonly broker: FrontBroker;
  readonly jwt: string;
  readonly written: readonly AuditEvent[];
  readonly faults: readonly unknown[];
}

async function openLab({ edge }: { edge: (command: FetchCommand) => Promise<FetchReply> }): Promise<Lab> {
  const stack = new AsyncDisposableStack();
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const dir = await Deno.makeTempDir({ prefix: "kz-broker-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.writeTextFile(
    join(dir, "bundle.yaml"),
    `version: "1"
issuers:
  - name: internal
    type: custom
    issuer_url: ${ISSUER}
    audience: keyzero
    map: { env: claims.environment }
    static_keys: [{ kid: k1, alg: ES256, pem: ${JSON.stringify(await exportSPKI(publicKey))} }]
policies:
  - { name: all, effect: allow, rule: "true" }
resources:
  - ref: github/pat
    resolver: gh
    credential_location: header:Authorization:Bearer
    hosts: [api.test]
backends:
  gh: { type: keychain }
`,
  );
  const bundle = await readBundle(join(dir, "bundle.yaml"), { cwd: dir, getEnv: () => undefined });
  const written: AuditEvent[] = [];
  const faults: unknown[] = [];
  /** The broker's end of a port that is answered by `handle`. */
  function port<Request, Answer>(handle: (request: Request) => Promise<Answer>): MessagePort {
    const { port1, port2 } = new MessageChannel();
    answerCalls<Request, Answer>(port2, handle);
    stack.defer(() => port2.close());
    return port1;
  }
  const nobody = () => Promise.reject(new Denial("INTERNAL"));
  const generation = stack.use(
    new Generation({
      bundle,
      edge: port(edge),
      vault: port(nobody),
      jwks: port(nobody),
      state: port(nobody),
      proxy: undefined,
    }),
  );
  const audit = port<AuditEvent, null>((event) => {
    written.push(event);
    return Promise.resolve(null);
  });
  const now = Math.floor(Date.now() / 1000);
  const jwt = await new SignJWT({ iss: ISSUER, aud: "keyzero", sub: "agent-1", iat: now, exp: now + 600 })
    .setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(privateKey);
  return {
    broker: new FrontBroker(generation, {
      sealer: await TokenSealer.create(crypto.getRandomValues(new Uint8Array(32))),
      limiter: new CallerLimiter(SERVER_LIMITS, () => performance.now()),
      audit: stack.use(new PortCaller<AuditEvent, null>(audit)),
      onFault: (thrown) => faults.push(thrown),
    }),
    jwt,
    written,
    faults,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const fetchThrough = ({ broker, jwt }: Lab) =>
  broker.fetch({
    jwt,
    resource: "github/pat",
    resolver: undefined,
    url: "https://api.test/user",
    method: undefined,
    headers: {},
    body: undefined,
    context: {},
  });

for (const code of ["OVERLOADED", "INTERNAL"] as const) {
  Deno.test(`FrontBroker writes down a fetch that the edge did not take: ${code} [S-7.1]`, async () => {
    await using lab = await openLab({ edge: () => Promise.reject(new Denial(code)) });
    await assert.rejects(fetchThrough(lab), { code });
    const line = { event: "fetch", outcome: "error", code, ref: "github/pat", host: "api.test", policy: "all" };
    assert.deepEqual(
      lab.written.map(({ event, outcome, code, ref, host, policy }) => ({
        event,
        outcome,
        code,
        ref,
        host,
        policy,
      })),
      [line],
    );
  });
}

Deno.test("FrontBroker leaves it to the edge to write down what the edge refuses [S-7.1]", async () => {
  await using lab = await openLab({ edge: () => Promise.reject(new Denial("TARGET_DENIED")) });
  await assert.rejects(fetchThrough(lab), { code: "TARGET_DENIED" });
  assert.deepEqual(lab.written, []);
});

Deno.test("FrontBroker tells of a fault of ours, and the caller of nothing but that there was one [S-4.3]", async () => {
  // An answer that is none.
  await using lab = await openLab({ edge: () => Promise.resolve({} as FetchReply) });
  await assert.rejects(fetchThrough(lab), { code: "INTERNAL" });
  assert.equal(lab.faults.length, 1);
  assert.deepEqual(lab.written.map(({ outcome, code }) => [outcome, code]), [["error", "INTERNAL"]]);
});
