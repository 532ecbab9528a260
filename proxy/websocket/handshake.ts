import { HEADER_NAME_REGEXP } from "../../policy/placement.ts";
import { type Field, listed, single } from "../http/fields.ts";
import { requestFraming } from "../http/framing.ts";
import { HttpError } from "../http/http_error.ts";
import type { RequestHead } from "../http/request_head.ts";

/** A client's request for a WebSocket, and what we ask the host for in its place. */
export interface WebSocketOffer {
  /** The client's key, which our answer must show that it was read. */
  readonly clientKey: string;
  /** Ours, fresh: what the program chose does not go out. */
  readonly key: string;
  /** Subprotocols, as written. */
  readonly protocols: readonly string[];
}

/** Sixteen bytes in canonical base64 (RFC 6455 §4.1). */
const KEY_REGEXP = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Fields of the client's that do not go on: its key, and its extensions, so that none is negotiated. */
const DROPPED: ReadonlySet<string> = new Set(["sec-websocket-key", "sec-websocket-extensions"]);

/**
 * Reads a request that asks for another protocol: a WebSocket, or nothing (TM-21).
 *
 * @returns Undefined for a request that asks for none.
 * @throws {HttpError} `HTTP_UPGRADE_REFUSED` for any other protocol (501), and for a handshake that breaks RFC 6455 §4.1
 * (400).
 */
export function planWebSocket(head: RequestHead): WebSocketOffer | undefined {
  const { fields } = head;
  const upgrade = single(fields, "upgrade");
  if (upgrade === undefined) return undefined;
  if (upgrade.toLowerCase() !== "websocket") throw new HttpError("HTTP_UPGRADE_REFUSED", 501);
  const clientKey = single(fields, "sec-websocket-key") ?? "";
  const protocols = listedAsWritten(fields, "sec-websocket-protocol");
  const valid = head.method === "GET" && head.minorVersion === 1 &&
    listed(fields, "connection").includes("upgrade") &&
    single(fields, "sec-websocket-version") === "13" &&
    KEY_REGEXP.test(clientKey) &&
    protocols.every((protocol) => HEADER_NAME_REGEXP.test(protocol)) &&
    new Set(protocols).size === protocols.length &&
    single(fields, "expect") === undefined &&
    requestFraming(fields, head.minorVersion).kind === "none";
  if (!valid) throw new HttpError("HTTP_UPGRADE_REFUSED", 400);
  const random = crypto.getRandomValues(new Uint8Array(16));
  return { clientKey, key: btoa(String.fromCharCode(...random)), protocols };
}

/** The fields of a handshake as they go to the host, of those that are not for one connection only. */
export function handshakeFields(fields: readonly Field[], { key }: WebSocketOffer): Field[] {
  return [
    ...fields.filter(({ lower }) => !DROPPED.has(lower)),
    { name: "Connection", lower: "connection", value: "Upgrade" },
    { name: "Upgrade", lower: "upgrade", value: "websocket" },
    { name: "Sec-WebSocket-Key", lower: "sec-websocket-key", value: key },
  ];
}

/** The members of a list field in their own case: subprotocols are compared exactly. */
export function listedAsWritten(fields: readonly Field[], lower: string): string[] {
  return fields.filter((field) => field.lower === lower)
    .flatMap((field) => field.value.split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "");
}
