import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { encodeUtf8 } from "../http/bytes.ts";
import { SERVER_LIMITS, type ServerLimits } from "../http/server_limits.ts";
import { parseRequestJson } from "../http/request_json.ts";
import type { ToRelay, ToWorker } from "./port_protocol.ts";

type PortLimits = Pick<ServerLimits, "stdioActive" | "jsonDepth">;

/**
 * MCP's stdio transport, for a worker that has no standard streams: lines come and go over a port to the supervisor.
 *
 * So many requests are worked on at one time; the next ones wait here, and when enough wait, the relay reads no further.
 * Notifications, such as that of a cancellation, do not wait.
 */
export class PortTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #port: MessagePort;
  readonly #limits: PortLimits;
  readonly #active = new Set<RequestId>();
  readonly #waiting: JSONRPCMessage[] = [];
  /** For each line that was handed over and is not written yet. */
  readonly #unwritten: (() => void)[] = [];
  #inputEnded = false;
  #closed = false;

  constructor(port: MessagePort, limits: PortLimits = SERVER_LIMITS) {
    this.#port = port;
    this.#limits = limits;
  }

  start(): Promise<void> {
    this.#port.onmessage = ({ data }: MessageEvent<ToWorker>) => this.#take(data);
    return Promise.resolve();
  }

  /** Ends when the line was written. */
  async send(message: JSONRPCMessage): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unwritten.push(resolve);
    this.#post({ kind: "line", line: JSON.stringify(message) });
    await promise;
    if (!("method" in message) && message.id !== undefined) this.#release(message.id);
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#port.close();
      for (const resolve of this.#unwritten.splice(0)) resolve();
      this.onclose?.();
    }
    return Promise.resolve();
  }

  #take(data: ToWorker): void {
    switch (data.kind) {
      case "line":
        this.#takeLine(data.line);
        break;
      case "unreadable":
        this.#post({ kind: "taken" });
        if (data.why === "size") this.#refuse(-32600, "Invalid request: the message is too long");
        else this.#refuse(-32700, "Parse error: the message is not UTF-8");
        break;
      case "written":
        this.#unwritten.shift()?.();
        break;
      case "end":
        this.#inputEnded = true;
        this.#endIfIdle();
    }
  }

  #takeLine(line: string): void {
    let value: unknown;
    try {
      value = parseRequestJson(encodeUtf8(line), this.#limits.jsonDepth);
    } catch {
      this.#post({ kind: "taken" });
      return this.#refuse(-32700, "Parse error: the message is not JSON, has a member twice or is nested too deeply");
    }
    const parsed = JSONRPCMessageSchema.safeParse(value);
    if (!parsed.success) {
      this.#post({ kind: "taken" });
      return this.#refuse(-32600, "Invalid request: the message is not a JSON-RPC 2.0 message");
    }
    if (isJSONRPCRequest(parsed.data) && this.#active.size >= this.#limits.stdioActive) {
      this.#waiting.push(parsed.data);
    } else this.#deliver(parsed.data);
  }

  #deliver(message: JSONRPCMessage): void {
    this.#post({ kind: "taken" });
    if (isJSONRPCRequest(message)) {
      // Two at a time under one id cannot be told apart in their answers.
      if (this.#active.has(message.id)) return this.#refuse(-32600, "Invalid request: the id is in use");
      this.#active.add(message.id);
    }
    this.onmessage?.(message);
    if (isJSONRPCNotification(message) && message.method === "notifications/cancelled") {
      // A request that was cancelled is not answered.
      const id = message.params?.["requestId"];
      if (typeof id === "string" || typeof id === "number") this.#release(id);
    }
  }

  #release(id: RequestId): void {
    if (!this.#active.delete(id)) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#deliver(next);
    this.#endIfIdle();
  }

  /** An error that belongs to no request. Nothing of the message is repeated, not even its id. */
  #refuse(code: number, message: string): void {
    this.#unwritten.push(() => this.#endIfIdle());
    this.#post({ kind: "line", line: JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } }) });
  }

  #endIfIdle(): void {
    if (this.#inputEnded && this.#active.size === 0 && this.#unwritten.length === 0) this.#post({ kind: "ended" });
  }

  #post(message: ToRelay): void {
    if (!this.#closed) this.#port.postMessage(message);
  }
}
