import { closeQuietly } from "../close_quietly.ts";
import type { ClientConnection } from "../exchange/exchange.ts";
import type { ResponseHead } from "../http/response_head.ts";
import { LIMITS } from "../limits.ts";
import type { ProxyPolicy } from "../proxy_policy.ts";
import { Refusal } from "../refusal.ts";
import type { SwapContext } from "../swap/grant.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { writeAll } from "../write_all.ts";
import { acceptResponse } from "./accept.ts";
import { ClientMessages } from "./client_messages.ts";
import { CLOSE, type CloseCode, FrameError } from "./frame.ts";
import { closeFrame } from "./frame_bytes.ts";
import { FrameParser } from "./frame_parser.ts";
import type { WebSocketOffer } from "./handshake.ts";
import { HostMessages } from "./host_messages.ts";
import { type Fault, FrameSink, relayFrames } from "./relay_frames.ts";

/** What a WebSocket goes by. */
export interface WebSocketContext {
  readonly offer: WebSocketOffer;
  /** Of the handshake's destination. */
  readonly swap: SwapContext;
  readonly policy: Pick<ProxyPolicy, "outgoingPlan" | "valuePlan">;
  /** Told before the first byte of the answer goes out. */
  onStarted(): void;
}

/**
 * Answers a WebSocket handshake that the host accepted, and carries frames both ways until one side ends.
 *
 * @param head The host's 101, searched.
 * @returns What was refused, if anything was: the client has been told with a Close frame then, and the host was cut off.
 * @throws {Refusal} `PROXY_UPSTREAM_INVALID` before anything was answered.
 * @see RFC 6455
 */
export async function carryWebSocket(
  head: ResponseHead,
  { client, upstream }: { client: ClientConnection; upstream: Upstream },
  { offer, swap, policy, onStarted }: WebSocketContext,
): Promise<Refusal | undefined> {
  const answer = await acceptResponse(head, offer);
  onStarted();
  await writeAll(client.sink, answer);
  const toClient = new FrameSink(client.sink);
  using messages = new ClientMessages(() => ({ ...swap, encoded: policy.outgoingPlan }), client.budget);
  const fromHost = relayFrames({
    reader: upstream.reader,
    parser: new FrameParser("server"),
    messages: new HostMessages(() => policy.valuePlan),
    to: toClient,
  });
  const fromClient = relayFrames({
    reader: client.reader,
    parser: new FrameParser("client"),
    messages,
    to: new FrameSink(upstream.conn),
  });
  const first = await Promise.race([
    fromHost.fault.then((fault) => ({ side: "host", fault } as const)),
    fromClient.fault.then((fault) => ({ side: "client", fault } as const)),
  ]);
  let { side, fault }: { side: "host" | "client"; fault: Fault | undefined } = first;
  if (side === "client" && fault === undefined) {
    // The client has ended: what the host still answers, to a Close frame for one, has a moment to arrive.
    await upstream.conn.closeWrite().catch(() => {});
    fault = await within(fromHost.fault, LIMITS.drainMs);
    side = "host";
  }
  closeQuietly(upstream.conn);
  if (fault === undefined) return undefined;
  const refusal = asRefusal(fault, side);
  const told = toClient.close(closeFrame(closeCode(fault), refusal.code)).catch(() => {});
  // A client that answers the Close frame has read it.
  await within(fault instanceof Refusal ? told.then(() => fromClient.ended) : told, LIMITS.drainMs);
  return refusal;
}

function asRefusal(fault: Fault, side: "host" | "client"): Refusal {
  if (fault instanceof Refusal) return fault;
  return side === "client"
    ? new Refusal("PROXY_WEBSOCKET_INVALID")
    : new Refusal("PROXY_UPSTREAM_INVALID", { detail: "its WebSocket frames are not valid" });
}

function closeCode(fault: Fault): CloseCode {
  if (fault instanceof FrameError) return fault.closeCode;
  return fault.code === "PROXY_OVERLOADED" ? CLOSE.tryAgainLater : CLOSE.policyViolation;
}

/** What a promise gives, or undefined once the time has passed. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
