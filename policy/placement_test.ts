import assert from "node:assert/strict";
import { AppError } from "./error.ts";
import { mayStand, parsePlacement, type Place, type Placement, PLACEMENT_PATTERN } from "./placement.ts";

const READ: readonly (readonly [text: string, expected: Placement | undefined])[] = [
  ["header", { kind: "header", name: undefined }],
  ["header:X-Api-Key", { kind: "header", name: "x-api-key" }],
  ["query", { kind: "query", name: undefined }],
  ["query:Key", { kind: "query", name: "Key" }],
  ["path", { kind: "path" }],
  ["body", { kind: "body", field: undefined }],
  ["body:client_secret", { kind: "body", field: "/client_secret" }],
  ["body:/auth/0/key", { kind: "body", field: "/auth/0/key" }],
  ["websocket", { kind: "websocket" }],
  ["path:x", undefined],
  ["websocket:x", undefined],
  ["websocket:", undefined],
  ["WebSocket", undefined],
  ["websockets", undefined],
  ["header:", undefined],
  ["", undefined],
];

for (const [text, expected] of READ) {
  Deno.test(`parsePlacement() ${expected === undefined ? "refuses" : "reads"} "${text}"`, () => {
    if (expected !== undefined) assert.deepEqual(parsePlacement(text), expected);
    else {
      assert.throws(
        () => parsePlacement(text),
        (error) => error instanceof AppError && error.code === "CONFIG_PLACEMENT_INVALID",
      );
    }
    assert.equal(new RegExp(PLACEMENT_PATTERN).test(text), expected !== undefined);
  });
}

const STANDS: readonly (readonly [allowed: string, place: Place, expected: boolean])[] = [
  ["websocket", { kind: "websocket" }, true],
  ["websocket", { kind: "header", name: "authorization" }, false],
  ["websocket", { kind: "body", field: undefined }, false],
  ["header", { kind: "websocket" }, false],
  ["body", { kind: "websocket" }, false],
  ["path", { kind: "websocket" }, false],
  ["header", { kind: "header", name: "authorization" }, true],
  ["header", { kind: "header", name: "sec-websocket-protocol" }, false],
  ["header:Sec-WebSocket-Protocol", { kind: "header", name: "sec-websocket-protocol" }, true],
  ["header", { kind: "header", name: "cookie" }, false],
  ["query:key", { kind: "query", name: "key" }, true],
  ["query:key", { kind: "query", name: "other" }, false],
  ["body:key", { kind: "body", field: "/key" }, true],
  ["body:key", { kind: "body", field: undefined }, false],
];

for (const [allowed, place, expected] of STANDS) {
  const where = "name" in place ? `${place.kind}:${place.name}` : "field" in place ? `body:${place.field}` : place.kind;
  Deno.test(`mayStand() with in = ["${allowed}"] ${expected ? "allows" : "refuses"} ${where}`, () => {
    assert.equal(mayStand([parsePlacement(allowed)], place), expected);
  });
}
