import ipaddr from "ipaddr.js";

/** All that IANA gives out of IPv6 (RFC 4291 §2.4, RFC 3587). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** Whether an address belongs to the public internet. */
export type AddressKind = "public" | "loopback" | "special";

/**
 * Sorts an IP address.
 *
 * Everything that is not global unicast is special: private, link-local (with the metadata services), carrier-grade NAT,
 * multicast, reserved, and every form that carries another address inside (v4-mapped, NAT64, 6to4, Teredo), since what
 * is dialled then is not what is looked at (TM-12).
 *
 * @param text An address as the system writes it; a zone id or anything else that is not an address is special.
 * @see RFC 6890
 */
export function classifyAddress(text: string): AddressKind {
  if (text.includes("%") || !ipaddr.isValid(text)) return "special";
  const address = ipaddr.parse(text);
  // What is not assigned yet is routed nowhere, or at home.
  if (address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST)) {
    return address.range() === "loopback" ? "loopback" : "special";
  }
  const range = address.range();
  return range === "unicast" ? "public" : range === "loopback" ? "loopback" : "special";
}
