import { endToEnd, listed, single } from "../http/fields.ts";
import { encodeLatin1 } from "../http/latin1.ts";
import type { ResponseHead } from "../http/response_head.ts";
import { Refusal } from "../refusal.ts";
import { listedAsWritten, type WebSocketOffer } from "./handshake.ts";

/** RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Fields that we write ourselves, that lead round the proxy (RFC 7838), or that mean nothing here. */
const DROPPED: ReadonlySet<string> = new Set(["alt-svc", "content-length", "sec-websocket-accept"]);

/** What proves that a key was read. */
export async function acceptOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", encodeLatin1(key + GUID));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/**
 * Checks the host's 101 against what it was asked, and writes the client's (RFC 6455 §4.1, §4.2.2).
 *
 * @param head Searched already.
 * @throws {Refusal} `PROXY_UPSTREAM_INVALID` for an answer to another key, an extension, or a subprotocol that was not
 * offered.
 */
export async function acceptResponse(head: ResponseHead, offer: WebSocketOffer): Promise<Uint8Array<ArrayBuffer>> {
  const { fields } = head;
  const chosen = listedAsWritten(fields, "sec-websocket-protocol");
  const valid = head.minorVersion === 1 &&
    single(fields, "upgrade")?.toLowerCase() === "websocket" &&
    listed(fields, "connection").includes("upgrade") &&
    single(fields, "sec-websocket-accept") === await acceptOf(offer.key) &&
    listed(fields, "sec-websocket-extensions").length === 0 &&
    chosen.length <= 1 && chosen.every((protocol) => offer.protocols.includes(protocol)) &&
    (single(fields, "content-length") ?? "0") === "0" &&
    single(fields, "transfer-encoding") === undefined;
  if (!valid) throw new Refusal("PROXY_UPSTREAM_INVALID", { detail: "its WebSocket handshake is not valid" });
  let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${await acceptOf(offer.clientKey)}\r\n`;
  for (const { name, lower, value } of endToEnd(fields)) {
    if (!DROPPED.has(lower)) text += `${name}: ${value}\r\n`;
  }
  return encodeLatin1(`${text}\r\n`);
}
