import assert from "node:assert/strict";
import { type AddressKind, classifyAddress } from "./address.ts";

const TABLE: readonly [why: string, address: string, kind: AddressKind][] = [
  ["a public address", "140.82.121.6", "public"],
  ["a public IPv6 address", "2606:50c0:8000::153", "public"],
  ["loopback", "127.0.0.1", "loopback"],
  ["all of 127/8", "127.255.255.254", "loopback"],
  ["IPv6 loopback", "::1", "loopback"],
  ["this network", "0.0.0.0", "special"],
  ["0/8", "0.1.2.3", "special"],
  ["unspecified IPv6", "::", "special"],
  ["private 10/8", "10.0.0.1", "special"],
  ["private 172.16/12, first", "172.16.0.1", "special"],
  ["private 172.16/12, last", "172.31.255.255", "special"],
  ["just below 172.16/12", "172.15.255.255", "public"],
  ["just above 172.16/12", "172.32.0.0", "public"],
  ["private 192.168/16", "192.168.1.1", "special"],
  ["metadata", "169.254.169.254", "special"],
  ["IPv6 metadata", "fd00:ec2::254", "special"],
  ["IPv6 link-local", "fe80::1", "special"],
  ["a zone id", "fe80::1%eth0", "special"],
  ["carrier-grade NAT", "100.64.0.1", "special"],
  ["just above carrier-grade NAT", "100.128.0.0", "public"],
  ["v4-mapped loopback", "::ffff:127.0.0.1", "special"],
  ["v4-mapped public", "::ffff:140.82.121.6", "special"],
  ["NAT64", "64:ff9b::7f00:1", "special"],
  ["6to4", "2002:7f00:1::", "special"],
  ["Teredo", "2001:0:7f00:1::", "special"],
  ["below what IANA gives out", "1fff:ffff::1", "special"],
  ["above what IANA gives out", "4000::1", "special"],
  ["loopback in IPv6's old form", "::7f00:1", "special"],
  ["multicast", "224.0.0.1", "special"],
  ["broadcast", "255.255.255.255", "special"],
  ["documentation", "192.0.2.1", "special"],
  ["benchmarking", "198.18.0.1", "special"],
  ["text", "localhost", "special"],
  ["the empty string", "", "special"],
];

for (const [why, address, kind] of TABLE) {
  Deno.test(`classifyAddress() takes ${why} for ${kind}`, () => assert.equal(classifyAddress(address), kind));
}
