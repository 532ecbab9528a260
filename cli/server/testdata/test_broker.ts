import { Denial } from "../../../policy/server/denial.ts";
import { parseResourceRef } from "../../../policy/server/resource_ref.ts";
import type { Broker, FetchRequest, ResolveRequest, ResolveResult, RevokeRequest } from "../broker.ts";
import type { CallerLimiter } from "../http/caller_limiter.ts";

/** A value that must never be seen but where a test asks for it. */
export const CANARY = "kz-canary-7f3a9c51e2";
/** A JWT that the broker of the tests believes; its text must never come back. */
export const JWT = "eyJhbGciOiJub25l.eyJzdWIiOiJ0ZXN0.c2lnbmF0dXJl";

export interface TestBroker extends Broker {
  readonly resolved: ResolveRequest[];
  readonly fetched: FetchRequest[];
  readonly revoked: RevokeRequest[];
  /** Requests wait for it, if it is set. */
  gate: Promise<void> | undefined;
}

/**
 * A broker in memory: it believes `JWT` and every JWT that begins with `caller.`, knows what is below, and does as the ref
 * says.
 */
export function testBroker(options: { limiter?: CallerLimiter; proxyCa?: string } = {}): TestBroker {
  const admit = (jwt: string | undefined): Disposable => {
    if (jwt === undefined) throw new Denial("JWT_MISSING");
    if (jwt !== JWT && !jwt.startsWith("caller.")) throw new Denial("JWT_SIGNATURE_INVALID");
    return options.limiter?.admitCaller("tests", jwt) ?? { [Symbol.dispose]() {} };
  };
  const broker: TestBroker = {
    resolved: [],
    fetched: [],
    revoked: [],
    gate: undefined,
    proxyCa: options.proxyCa,
    async resolve(request) {
      using _ = admit(request.jwt);
      broker.resolved.push(request);
      await broker.gate;
      return new Map(request.refs.map((ref) => [ref, resolveOne(ref, request.masksAlways)]));
    },
    async fetch(request) {
      using _ = admit(request.jwt);
      broker.fetched.push(request);
      await broker.gate;
      switch (request.resource) {
        case "github/pat":
          return {
            status: 200,
            headers: { "content-type": "application/json" },
            body: { kind: "text", text: '{"ok":true}' },
            notes: [],
          };
        case "image":
          return {
            status: 200,
            headers: { "content-type": "image/png" },
            body: { kind: "base64", base64: "iVBORw==", mediaType: "image/png" },
            notes: ["The body was cut after 1 MiB"],
          };
        case "broken":
          throw new Error(`a fault that holds ${CANARY}`);
        default:
          throw new Denial("POLICY_DENIED");
      }
    },
    async revoke(request) {
      using _ = admit(request.jwt);
      await broker.gate;
      broker.revoked.push(request);
    },
  };
  return broker;
}

function resolveOne(ref: string, masksAlways: boolean): ResolveResult {
  const allowed = { allowed: true, policy: "tests", expiresAt: Date.UTC(2030, 0, 2, 3, 4, 5) } as const;
  switch (ref) {
    case "github/pat":
      return {
        ...allowed,
        ref: parseResourceRef(ref),
        mode: "masked",
        token: "KZ_TOK_abc",
        tokenId: "id1",
        proxy: "http://pass:word@127.0.0.1:8080",
      };
    case "no-proxy":
      return {
        ...allowed,
        ref: parseResourceRef(ref),
        mode: "masked",
        token: "KZ_TOK_def",
        tokenId: "id2",
        proxy: undefined,
      };
    case "direct":
      if (masksAlways) return { ...resolveOne("no-proxy", true), ref: parseResourceRef(ref) } as ResolveResult;
      return { ...allowed, ref: parseResourceRef(ref), mode: "direct", value: CANARY };
    case "leaky":
      return { ...allowed, ref: parseResourceRef(ref), mode: "direct", value: CANARY };
    case "broken":
      throw new Error(`a fault that holds ${CANARY}`);
    default:
      return { allowed: false, policy: "default-deny", denial: new Denial("POLICY_DENIED") };
  }
}
