import assert from "node:assert/strict";
import fc from "fast-check";
import { parseClientHello } from "../../../proxy/tls/client_hello.ts";
import type { FuzzTarget } from "../fuzz_target.ts";

const vector = (width: number, bytes: readonly number[]) => [
  ...Array.from({ length: width }, (_, at) => (bytes.length >> (8 * (width - 1 - at))) & 0xff),
  ...bytes,
];

/** Records of a hello, as clients make them. */
function hello(names: readonly string[], recordBytes: number): Uint8Array {
  const extensions = names.map((name) => [
    ...[0, 0],
    ...vector(2, vector(2, [0, ...vector(2, Array.from(name, (char) => char.charCodeAt(0) & 0xff))])),
  ]);
  const body = [
    ...[3, 3],
    ...new Array<number>(32).fill(7),
    ...vector(1, [1, 2]),
    ...vector(2, [0x13, 1]),
    ...vector(1, [0]),
    ...vector(2, [[0, 43, ...vector(2, [2, 3, 4])], ...extensions].flat()),
  ];
  const message = [1, ...vector(3, body)];
  const records: number[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(22, 3, 1, ...vector(2, message.slice(at, at + recordBytes)));
  }
  return Uint8Array.from(records);
}

/** RFC 8446 §4.1.2: any bytes are read without a fault, and it never depends on how they came. */
export const clientHello: FuzzTarget = {
  name: "client-hello",
  inputs: fc.tuple(
    fc.array(fc.constantFrom("a.test", "", "b.test."), { maxLength: 2 }),
    fc.integer({ min: 5, max: 200 }),
  )
    .map(([names, size]) => hello(names, size)),
  dictionary: ["\x16\x03\x01", "\x01\x00\x00", "\x00\x00", "\xff\xff", "\x00\x05"],
  check(input) {
    const whole = parseClientHello(input);
    // Whatever was decided early stays decided, and the same.
    let decided = false;
    for (let end = 0; end <= input.length; end++) {
      const early = parseClientHello(input.subarray(0, end));
      if (early === "more") assert.ok(!decided, "undecided again");
      else {
        decided = true;
        assert.deepEqual(early, whole);
      }
    }
    return typeof whole === "object";
  },
};
