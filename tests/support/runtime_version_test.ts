import assert from "node:assert/strict";
import { carriesHttp2 } from "./carries_http2.ts";
import { runtimeVersion, versionInExecutable } from "./runtime_version.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const found: [why: string, text: string, version: string][] = [
  ["the name with its commit", "\0\0Deno/2.6.10Deno/2.6.10+8871ade8\0", "2.6.10"],
  ["one that is there twice", "Deno/2.9.6+e518fbde5 Deno/2.9.6+e518fbde5", "2.9.6"],
  ["it beside names of other things", "OTel-Deno/0.80.0grpc Deno/2.9.6+e518fbde5", "2.9.6"],
];
for (const [why, text, version] of found) {
  Deno.test(`versionInExecutable() finds ${why}`, () => assert.equal(versionInExecutable(bytes(text)), version));
}

const refused: [why: string, text: string][] = [
  ["without a name", "\x7fELF"],
  ["with a name that has no commit", "Deno/2.9.6"],
  ["with two names", "Deno/2.9.6+e518fbde5 Deno/2.6.10+8871ade8"],
];
for (const [why, text] of refused) {
  Deno.test(`versionInExecutable() refuses an executable ${why}`, () => {
    assert.throws(() => versionInExecutable(bytes(text)), /^Error: Cannot tell the Deno of the executable/);
  });
}

Deno.test("versionInExecutable() finds the version of the Deno that runs the tests in its file", () => {
  assert.equal(versionInExecutable(Deno.readFileSync(Deno.execPath())), Deno.version.deno);
});

Deno.test("runtimeVersion() is a version", () => assert.match(runtimeVersion(), /^\d+\.\d+\.\d+$/));

const versions: [version: string, carries: boolean][] = [
  ["1.46.3", false],
  ["2.6.10", false],
  ["2.8.9", false],
  ["2.9.0", true],
  ["2.10.0", true],
  ["3.0.0", true],
];
for (const [version, carries] of versions) {
  Deno.test(`carriesHttp2() is ${carries} of ${version}`, () => assert.equal(carriesHttp2(version), carries));
}
