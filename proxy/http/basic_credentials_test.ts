import assert from "node:assert/strict";
import { basicCredentials } from "./basic_credentials.ts";

const CASES: readonly (readonly [why: string, value: string, expected: readonly [string, string] | undefined])[] = [
  ["user and password", `Basic ${btoa("kz:pass")}`, ["kz", "pass"]],
  ["a scheme in small letters and more spaces", `basic   ${btoa("kz:pass")}`, ["kz", "pass"]],
  ["a colon in the password", `Basic ${btoa("kz:a:b")}`, ["kz", "a:b"]],
  ["nothing on both sides", `Basic ${btoa(":")}`, ["", ""]],
  ["UTF-8", `Basic ${btoa("k\xc3\xbc:\xe2\x82\xac")}`, ["kü", "€"]],
  ["bytes that are not UTF-8", `Basic ${btoa("k:\xff")}`, undefined],
  ["no colon", `Basic ${btoa("kz")}`, undefined],
  ["no padding", `Basic ${btoa("kz:pass1").replace(/=+$/, "")}`, undefined],
  ["a set trailing bit", "Basic a3p6Ong=".replace("g=", "h="), undefined],
  ["the other base64 alphabet", "Basic a3o6-_-_", undefined],
  ["text behind it", `Basic ${btoa("kz:pass")} x`, undefined],
  ["another scheme", `Bearer ${btoa("kz:pass")}`, undefined],
  ["nothing", "", undefined],
];

for (const [why, value, expected] of CASES) {
  Deno.test(`basicCredentials() ${expected === undefined ? "refuses" : "reads"} ${why}`, () => {
    const read = basicCredentials(value);
    assert.deepEqual(read === undefined ? undefined : [read.user, read.password], expected);
  });
}
