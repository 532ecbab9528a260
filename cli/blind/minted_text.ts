import type { ProxyMessage } from "../../proxy/protocol.ts";

/** What the operator reads when a host gave a credential out. Every part is parsed or ours. */
export function mintedText({ secret, field, host }: Extract<ProxyMessage, { kind: "minted" }>): string {
  return `kz: ${host} gave out a new credential (${field}) for ${secret}; the program has a token in its place`;
}
