import { type ConnectionDecision, decideConnection } from "../../policy/connection_rule.ts";
import { isOverrideHeader } from "../../policy/override_header.ts";
import { endToEnd, type Field, listed, single } from "../http/fields.ts";
import { type Framing, requestFraming } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import type { RequestHead } from "../http/request_head.ts";
import { type Authority, parseAuthority, type Target } from "../http/target.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { Refusal } from "../refusal.ts";
import { messagesAreEncoded } from "./grpc.ts";
import { handshakeFields, planWebSocket, type WebSocketOffer } from "../websocket/handshake.ts";

/** Where an exchange goes: a host that was named before the request was seen, or in its absolute form. */
export interface Origin extends Authority {
  readonly secure: boolean;
}

/** A request that may be sent, before its tokens are replaced. */
export interface RequestPlan {
  readonly method: string;
  readonly target: Target;
  readonly framing: Framing;
  /** Whether the client waits for a 100 before it sends its body. */
  readonly expectsContinue: boolean;
  /** The body's codings other than identity, lower case. */
  readonly codings: readonly string[];
  /** What goes on, without framing and the fields that the proxy writes itself. */
  readonly fields: readonly Field[];
  /** What came, all of it. */
  readonly received: readonly Field[];
  /** Set for the handshake of a WebSocket. */
  readonly webSocket: WebSocketOffer | undefined;
  /** A rule names this very host. */
  readonly named: boolean;
}

/** Methods that are never carried: an echo of the request, and a tunnel inside a tunnel (TM-21). */
export const REFUSED_METHODS: ReadonlySet<string> = new Set(["TRACE", "TRACK", "CONNECT"]);

/** Fields that the proxy writes itself. */
const REWRITTEN: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "accept-encoding",
  // What compresses its messages cannot be searched (TM-02).
  "grpc-accept-encoding",
]);

/**
 * Checks a request against HTTP's grammar, its origin and the connection rules.
 *
 * @throws {HttpError | Refusal} for a request that is not carried.
 */
export function planRequest(
  head: RequestHead,
  target: Target,
  { origin, policy }: { origin: Origin; policy: ProxyPolicy },
): RequestPlan {
  if (REFUSED_METHODS.has(head.method)) throw new HttpError("HTTP_METHOD_REFUSED", 405);
  const webSocket = planWebSocket(head);
  if (messagesAreEncoded(head.fields)) throw new Refusal("PROXY_BODY_ENCODED");
  if (listed(head.fields, "trailer").length > 0) throw new HttpError("HTTP_TRAILER_UNSUPPORTED", 400);
  const expectation = single(head.fields, "expect")?.toLowerCase();
  if (expectation !== undefined && expectation !== "100-continue") throw new HttpError("HTTP_EXPECTATION_UNKNOWN", 417);
  assertSameOrigin(head, target, origin);
  refuseOverrides(head.fields, policy);
  const decision = decideRequest(head.method, target, { origin, policy });
  const fields = endToEnd(head.fields, REWRITTEN);
  return {
    method: head.method,
    target,
    framing: requestFraming(head.fields, head.minorVersion),
    expectsContinue: expectation !== undefined && head.minorVersion === 1,
    codings: listed(head.fields, "content-encoding").filter((coding) => coding !== "identity"),
    received: head.fields,
    fields: webSocket === undefined ? fields : handshakeFields(fields, webSocket),
    webSocket,
    named: decision.named,
  };
}

/** @throws {Refusal} which tells a host that is not allowed at all from a request that is not. */
function decideRequest(
  method: string,
  { path }: Target,
  { origin: { host, port }, policy }: { origin: Origin; policy: ProxyPolicy },
): ConnectionDecision {
  const decision = decideConnection(policy.rules, { host, port, method, path }, policy.matcher);
  if (decision.verdict === "allow") return decision;
  const hostAllowed = decideConnection(policy.rules, { host, port }, policy.matcher).verdict === "allow";
  throw new Refusal(
    hostAllowed ? "POLICY_REQUEST_DENIED" : "POLICY_HOST_DENIED",
    decision.rule === undefined ? {} : { rule: decision.rule },
  );
}

/** Where a rule or a grant looks at methods or paths, what it looks at has to be what the server will see (TM-14, TM-19). */
function refuseOverrides(fields: readonly Field[], { rules, tokens }: ProxyPolicy): void {
  const byRule = rules?.some(({ methods, paths }) => methods !== undefined || paths !== undefined) === true;
  if (!byRule && !tokens.bindsPaths) return;
  if (fields.some(({ lower }) => isOverrideHeader(lower))) {
    throw new Refusal("POLICY_REQUEST_DENIED", { detail: "a header asks for another method or path" });
  }
}

/** Host and the absolute form must agree with the origin: the CONNECT target alone decides (TM-08). */
function assertSameOrigin(head: RequestHead, target: Target, origin: Origin): void {
  const defaultPort = origin.secure ? 443 : 80;
  const host = single(head.fields, "host");
  if (host === undefined && head.minorVersion === 1) throw new HttpError("HTTP_FIELD_INVALID", 400);
  // What most clients write needs no parser: the canonical name itself.
  const plain = host === (origin.port === defaultPort ? origin.host : `${origin.host}:${origin.port}`);
  const claims = [
    ...(host === undefined || plain ? [] : [parseAuthority(host, defaultPort)]),
    ...(target.authority === undefined ? [] : [target.authority]),
  ];
  const scheme = origin.secure ? "https" : "http";
  const agrees = claims.every((claim) => claim.host === origin.host && claim.port === origin.port) &&
    (target.scheme === undefined || target.scheme === scheme);
  if (!agrees) throw new HttpError("HTTP_HOST_MISMATCH", 421);
}
