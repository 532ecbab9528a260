import type { ByteBudget } from "../byte_budget.ts";
import { closeQuietly } from "../close_quietly.ts";
import type { ByteReader } from "../http/byte_reader.ts";
import { keepsAlive } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import type { RequestHead } from "../http/request_head.ts";
import type { ResponseHead } from "../http/response_head.ts";
import type { Target } from "../http/target.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { Refusal } from "../refusal.ts";
import type { DialSettings, DialTarget } from "../upstream/dial.ts";
import { connectUpstream, type Upstream } from "../upstream/upstream.ts";
import type { ByteSink } from "../write_all.ts";
import { readResponseHead, relayResponse, type ResponseSink } from "./relay_response.ts";
import { type OutgoingRequest, prepareRequest } from "./prepare_request.ts";
import { type Origin, planRequest } from "./request_plan.ts";
import { sendRequest } from "./send_request.ts";

/** A client's connection, in clear text or decrypted. */
export interface ClientConnection {
  readonly sink: ByteSink;
  readonly reader: ByteReader;
  /** Shared by all connections. */
  readonly budget: ByteBudget;
}

/** A request on its way through. */
export interface Exchange {
  readonly head: RequestHead;
  readonly target: Target;
  readonly origin: Origin;
  /** The connection that the exchange before this one left open, if it went to the same origin. */
  readonly reusable: Upstream | undefined;
  /** How the host is reached, if not by a connection of HTTP/1.1. */
  readonly connect?: (target: DialTarget, settings: DialSettings) => Promise<Upstream>;
  /** Whether the client takes trailers. */
  readonly takesTrailers?: boolean;
}

export interface ExchangeEnd {
  /** Still good for the same origin. */
  readonly upstream: Upstream | undefined;
  readonly keepClient: boolean;
  /** What ended a WebSocket, if something was refused; its client has been told. */
  readonly refusal: Refusal | undefined;
}

/** A response was begun, so that the client cannot be told any more what went wrong: its connection is cut. */
export class ResponseCut extends Error {
  override readonly name = "ResponseCut";
}

/** The client's connection ended: nobody is left to be answered, and there is nothing to report. */
class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** Methods that may be sent again when a kept connection turns out to be dead (RFC 9110 §9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Carries one request to its origin and the response back.
 *
 * @throws {Refusal | HttpError} before anything was answered; {@linkcode ResponseCut} after.
 */
export async function carryExchange(
  { head, target, origin, reusable, connect, takesTrailers = false }: Exchange,
  client: ClientConnection,
  policy: ProxyPolicy,
): Promise<ExchangeEnd> {
  let upstream = reusable;
  let started = false;
  using lease = client.budget.lease();
  try {
    const plan = planRequest(head, target, { origin, policy });
    const sink: Omit<ResponseSink, "expectsContinue"> = {
      client: {
        async write(bytes) {
          try {
            return await client.sink.write(bytes);
          } catch (cause) {
            throw new ClientGone("Cannot write response: the client is gone", { cause });
          }
        },
      },
      method: plan.method,
      minorVersion: head.minorVersion,
      takesTrailers,
      // Nobody asks anything else on the connection of a handshake that was refused; some programs leave it open.
      keepAlive: plan.webSocket === undefined && keepsAlive(head.fields, head.minorVersion),
      webSocket: plan.webSocket,
      onStarted: () => started = true,
    };
    // In clear text it depends on the peer's address what may go there; over TLS nothing is looked up before that is decided.
    if (!origin.secure) upstream ??= await connectUpstream({ ...origin, named: plan.named }, policy.dial);
    const trusted = origin.secure || upstream?.trusted === true;
    const request = await prepareRequest(plan, client, { origin, trusted, policy, lease });
    // Decided by what goes out: a kept connection is used again for the same way only.
    const route = policy.server?.routeOf(request, origin);
    if (upstream?.route !== route) {
      upstream?.[Symbol.dispose]();
      upstream = undefined;
    }
    if (policy.announce !== undefined) await policy.announce();
    for (;;) {
      const fresh = upstream === undefined || !upstream.used;
      upstream ??= route !== undefined
        ? await route.open(origin)
        : await (connect ?? connectUpstream)({ ...origin, named: plan.named }, policy.dial);
      const outcome = await attempt(request, upstream, {
        origin,
        client,
        sink: { ...sink, expectsContinue: request.expectsContinue },
        policy,
      });
      if (outcome !== undefined) {
        // A server's proxy answers 403 for a token that has expired or was revoked.
        const refused = outcome.status === 401 || (route !== undefined && outcome.status === 403);
        if (refused && request.used.size > 0) policy.onUnauthorized(request.used);
        upstream.used = true;
        const keepUpstream = outcome.keepUpstream && outcome.sent && upstream.reader.availableLength === 0;
        if (keepUpstream) watch(upstream);
        else upstream[Symbol.dispose]();
        return {
          upstream: keepUpstream ? upstream : undefined,
          keepClient: outcome.keepClient && outcome.sent,
          refusal: outcome.refusal,
        };
      }
      upstream[Symbol.dispose]();
      upstream = undefined;
      if (fresh || plan.framing.kind !== "none" || !SAFE_METHODS.has(plan.method)) {
        throw new Refusal("PROXY_UPSTREAM_INVALID", { detail: "it closed the connection without a response" });
      }
    }
  } catch (error) {
    upstream?.[Symbol.dispose]();
    if (started) throw new ResponseCut("Cannot finish response: it was begun", { cause: error });
    throw error;
  }
}

/** Notices when the host closes a kept connection, so that the next request does not go to a dead one. */
function watch(upstream: Upstream): void {
  upstream.reader.fill().catch(() => upstream[Symbol.dispose]());
}

/** @returns Undefined if the host closed the connection before it answered a byte. */
async function attempt(
  request: OutgoingRequest,
  upstream: Upstream,
  { origin, client, sink, policy }: {
    origin: Origin;
    client: ClientConnection;
    sink: ResponseSink;
    policy: ProxyPolicy;
  },
): Promise<Omit<ExchangeEnd, "upstream"> & { status: number; keepUpstream: boolean; sent: boolean } | undefined> {
  let sent = false;
  let refused: unknown;
  let gone = false;
  const onGone = () => {
    gone = true;
    closeQuietly(upstream.conn);
  };
  const sending = sendRequest(request, upstream.conn, policy).then(() => {
    sent = true;
    // A client that goes away ends the exchange, which may otherwise wait for an event stream for ever.
    client.reader.fill().then((more) => more || onGone(), onGone);
  }, (error) => {
    // A host may answer, and close, before it has read everything: then the answer counts. A refusal counts always.
    if (error instanceof Refusal || error instanceof HttpError) {
      refused = error;
      closeQuietly(upstream.conn);
    }
  });
  let response: ResponseHead | undefined;
  try {
    response = await readResponseHead(upstream.reader, { sink, policy });
    if (response === undefined) {
      await sending;
      if (refused !== undefined) throw refused;
      return undefined;
    }
    const { status } = response;
    if (status === 101 && sink.webSocket !== undefined) {
      await sending;
      const { carryWebSocket } = await import("../websocket/carry_websocket.ts");
      const sides = { client: { ...client, sink: sink.client }, upstream };
      const context = { offer: sink.webSocket, swap: request.context, policy, onStarted: () => sink.onStarted() };
      const refusal = await carryWebSocket(response, sides, context);
      return { keepUpstream: false, keepClient: false, refusal, status, sent };
    }
    const answered = { used: request.used, from: origin };
    const end = await relayResponse(response, upstream.reader, { sink, policy, answered });
    return { ...end, refusal: undefined, status, sent };
  } catch (error) {
    if (refused !== undefined) throw refused;
    if (error instanceof Refusal || error instanceof ClientGone) throw error;
    if (gone) throw new ClientGone("Cannot finish exchange: the client is gone", { cause: error });
    if (response === undefined && upstream.used && !(error instanceof HttpError)) return undefined;
    throw new Refusal("PROXY_UPSTREAM_INVALID", { detail: "its response is cut off or not valid" });
  }
}
