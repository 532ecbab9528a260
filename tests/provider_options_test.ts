/** Options of a provider for one secret alone. */
import assert from "node:assert/strict";
import { makeCanary, makeProject } from "./support/project.ts";

Deno.test("a secret's own options go over those of its provider's table, for put, status and run [F-5.2]", async () => {
  const [first, second] = [makeCanary("first"), makeCanary("second")];
  await using project = await makeProject({
    toml: `[providers.store]
path = "shared.age"
identity = "file"
[secrets]
A = { provider = "store", ref = "same" }
B = { provider = "store", ref = "same", options = { path = "own.age" } }
`,
  });
  for (const [name, stdin] of [["A", first], ["B", second]] as const) {
    const put = await project.kz(["put", name, "--stdin"], { stdin });
    assert.equal(put.status, 0, put.stderr);
  }
  assert.deepEqual(
    [...Deno.readDirSync(project.dir)].map(({ name }) => name).filter((name) => name.endsWith(".age")).sort(),
    [
      "own.age",
      "shared.age",
    ],
  );
  assert.match((await project.kz(["status"])).stdout, /^A .* found\nB .* found$/m);
  const { stdout } = await project.kz(["run", "--", "sh", "-c", 'echo "$A $B"']);
  assert.equal(stdout, `${first} ${second}\n`);
});

const CANARY = makeCanary();
const REFUSED: readonly [why: string, secret: string, expected: RegExp][] = [
  [
    "an option that its provider does not have",
    `{ provider = "file", ref = "a", options = { region = "${CANARY}" } }`,
    /^error\[CONFIG_KEY_UNKNOWN\]: .*\.keyzero\.toml:2/,
  ],
  [
    "an option of the wrong kind",
    `{ provider = "store", ref = "a", options = { identity = "${CANARY}" } }`,
    /^error\[CONFIG_TYPE_INVALID\]: .*\.keyzero\.toml:2/,
  ],
  [
    "options that are no table",
    `{ provider = "store", ref = "a", options = "${CANARY}" }`,
    /^error\[CONFIG_TYPE_INVALID\]: .*\.keyzero\.toml:2/,
  ],
];
for (const [why, secret, expected] of REFUSED) {
  Deno.test(`a secret with ${why} is refused with its line, never its value [F-3.6] [F-3.7]`, async () => {
    await using project = await makeProject({ toml: `[secrets]\nA = ${secret}\n` });
    const { status, stderr } = await project.kz(["validate"]);
    assert.equal(status, 3);
    assert.match(stderr, expected);
    assert.ok(!stderr.includes(CANARY));
  });
}
