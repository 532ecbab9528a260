import assert from "node:assert/strict";
import { addCommand, readPassword } from "./keychain_macos.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

const OUTPUT: readonly [why: string, output: string, value: string][] = [
  ["plain text", 'keychain: "/x"\nattributes:\n    "svce"<blob>="keyzero"\npassword: "s3cret"\n', "s3cret"],
  ["text with quotes in it", 'password: "a"b"\n', 'a"b'],
  ["text that looks like hexadecimal", 'password: "0x6162"\n', "0x6162"],
  ["hexadecimal with its transcription", 'password: 0x610A62  "a\\012b"\n', "a\nb"],
  ["hexadecimal alone", "password: 0xC3A9\n", "é"],
];
for (const [why, output, value] of OUTPUT) {
  Deno.test(`readPassword() reads ${why}`, () => assert.deepEqual(readPassword(output), utf8(value)));
}

for (const output of ["", "password: \n", 'password: "open\n', "password: 0x6\n"]) {
  Deno.test(`readPassword() refuses ${JSON.stringify(output)}`, () => {
    assert.throws(() => readPassword(output), { name: "KeychainFailure" });
  });
}

Deno.test("addCommand() is one line that holds the value in hexadecimal and quotes the names", () => {
  const command = addCommand({ service: "keyzero", name: 'a "b\\' }, utf8('x\n" -A'));
  assert.equal(command, 'add-generic-password -U -s "keyzero" -a "a \\"b\\\\" -X 780a22202d41\n');
});
