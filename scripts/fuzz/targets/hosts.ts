import assert from "node:assert/strict";
import fc from "fast-check";
import { classifyAddress } from "../../../policy/address.ts";
import { AppError } from "../../../policy/error.ts";
import { type Host, parseHost } from "../../../policy/host.ts";
import { decodeLatin1, encodeLatin1 } from "../../../proxy/http/latin1.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

/** TM-13: what is accepted as a host has one spelling, which every other reader takes for the same host. */
export const hosts: FuzzTarget = {
  name: "host",
  inputs: fc.array(
    fc.constantFrom(
      "a",
      "api",
      ".",
      "test",
      "0x7f",
      "127.1",
      "[::1]",
      "[::ffff:7f00:1]",
      "xn--",
      "_",
      "-",
      "2130706433",
    ),
    { maxLength: 5 },
  ).map((parts) => encodeLatin1(parts.join(""))),
  dictionary: [".", "..", "@", ":", "[", "]", "%2e", "xn--a", "\xad", "0177", "0x", "::", "%25", "/", "\\"],
  check(input) {
    const text = decodeLatin1(input);
    let host: Host;
    try {
      host = parseHost(text);
    } catch (error) {
      assert.ok(error instanceof AppError && !error.message.includes(text.length > 3 ? text : "\0"));
      return false;
    }
    assert.equal(parseHost(host), host);
    assert.equal(new URL(`https://${host}/`).hostname, host);
    assert.equal(new URL(`https://${text}/`).hostname.replace(/\.$/, ""), host);
    assert.match(host, /^[\x21-\x7e]+$/);
    return true;
  },
};

/** The first bits of networks that are not public, as RFC 6890 and its registries list them. */
const SPECIAL_V4: readonly (readonly [network: number, bits: number])[] = [
  [0x00000000, 8],
  [0x0a000000, 8],
  [0x64400000, 10],
  [0x7f000000, 8],
  [0xa9fe0000, 16],
  [0xac100000, 12],
  [0xc0a80000, 16],
  [0xc6120000, 15],
  [0xe0000000, 4],
  [0xf0000000, 4],
];

/** TM-12: of 4 bytes an IPv4 address, of 16 an IPv6 address in three spellings: none that is special is called public. */
export const addresses: FuzzTarget = {
  name: "address",
  inputs: fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.tuple(fc.constantFrom(...prefixes()), fc.uint8Array({ minLength: 16, maxLength: 16 }))
      .map(([prefix, rest]) => Uint8Array.from([...prefix, ...rest.subarray(prefix.length)])),
  ).map((bytes) => Uint8Array.from(bytes)),
  dictionary: [],
  check(input) {
    if (input.length === 4) {
      const number = new DataView(input.slice().buffer).getUint32(0);
      const special = SPECIAL_V4.some(([network, bits]) => (number >>> (32 - bits)) === (network >>> (32 - bits)));
      const kind = classifyAddress(input.join("."));
      if (special) assert.notEqual(kind, "public");
      return kind === "public";
    }
    if (input.length !== 16) return false;
    const words = Array.from(
      { length: 8 },
      (_, at) => new DataView(input.slice().buffer).getUint16(2 * at).toString(16),
    );
    const full = words.map((word) => word.padStart(4, "0")).join(":");
    const dotted = `${words.slice(0, 6).join(":")}:${input.subarray(12).join(".")}`;
    const short = new URL(`http://[${full}]/`).hostname.slice(1, -1);
    const kinds = [words.join(":"), full, dotted, short].map(classifyAddress);
    assert.equal(new Set(kinds).size, 1, `${full} is ${kinds}`);
    // Global unicast is 2000::/3; of it 6to4, Teredo and what is for documentation carry or stand for something else.
    const global = (input[0]! >> 5) === 1 && !/^(?:2002:|2001:0*:|2001:0?db8:)/.test(full);
    if (!global) assert.notEqual(kinds[0], "public", full);
    return kinds[0] === "public";
  },
};

/** v4-mapped, NAT64, 6to4, Teredo, link-local, unique local, multicast, documentation, unspecified. */
function prefixes(): number[][] {
  return [
    [...new Array<number>(10).fill(0), 0xff, 0xff],
    [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0x64, 0xff, 0x9b, 0, 1],
    [0x20, 0x02],
    [0x20, 0x01, 0, 0],
    [0xfe, 0x80],
    [0xfc],
    [0xfd],
    [0xff, 0x02],
    [0x20, 0x01, 0x0d, 0xb8],
    new Array<number>(12).fill(0),
    [0xfe, 0xc0],
    [0x3f, 0xff],
    [0x5f, 0],
    [0x40],
  ];
}
