import assert from "node:assert/strict";
import { withoutDeno } from "./support/without_deno.ts";
import { makeProject } from "./support/project.ts";

/** Stands where people put values by mistake; no output may hold it. */
const CANARY = "hunter2_canary_7f3a9c0d1e2b";

const GOOD = `[secrets]
FOUND = { provider = "dotenv", ref = ".env#FOUND", hosts = ["api.example.com", "*.example.org:8443/v1"] }
LOST = { provider = "env", ref = "LOST", hosts = [] }
SPARE = { provider = "env", ref = "SPARE", optional = true }
URL = "https://user:\${FOUND}@example.com"

[production.secrets]
LOST = { provider = "dotenv", ref = ".env#FOUND" }
`;
const BAD = `[secrets]
A = { provider = "keychian", ref = "${CANARY}" }
B = "${CANARY}"
${CANARY} = 1
C = { provider = "env", ref = "C", hosts = ["https://${CANARY}"] }
D = "\${E}"
E = "\${D}"
`;
const FILES = { ".env": `FOUND=${CANARY}\n` };

interface Case {
  readonly args: readonly string[];
  /** Text of `.keyzero.toml`; null: there is none. */
  readonly toml?: string | null;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
}

const CASES: Record<string, Case> = {
  "--version": { args: ["--version"] },
  "--help": { args: ["--help"] },
  "no command": { args: [] },
  "help run": { args: ["help", "run"] },
  "put --help": { args: ["put", "--help"] },
  "an unknown command": { args: ["statsu"] },
  "an unknown option": { args: ["status", "--jsn"] },
  "a value as an argument of put": { args: ["put", "FOUND", CANARY] },
  "a value as an option of put": { args: ["put", "FOUND", `--value=${CANARY}`] },
  "put without a name": { args: ["put"] },
  "put of an unknown name": { args: ["put", CANARY] },
  "put of a composed secret": { args: ["put", "URL"] },
  "put where nothing can be written": { args: ["put", "LOST"] },
  "put --stdin of nothing": { args: ["put", "FOUND", "--stdin"], toml: GOOD.replace("dotenv", "store"), stdin: "\n" },
  "put without a terminal": { args: ["put", "FOUND"], toml: GOOD.replace("dotenv", "store") },
  "put in a blind run": { args: ["put", "FOUND"], env: { KEYZERO_BLIND: "1" } },
  "init in a blind run": { args: ["init"], env: { KEYZERO_BLIND: "1" }, toml: null },
  "add in a blind run": { args: ["add", "NEW", "--provider", "env", "--ref", "NEW"], env: { KEYZERO_BLIND: "1" } },
  "add without a terminal": { args: ["add", "NEW"] },
  "add of a name that is there": { args: ["add", "FOUND", "--provider", "env", "--ref", "X"] },
  "add of an unknown provider": { args: ["add", "NEW", "--provider", "keychian", "--ref", "X"] },
  "add of a name that is none": { args: ["add", `${CANARY}!`, "--provider", "env", "--ref", "X"] },
  "add of a host that is none": {
    args: ["add", "NEW", "--provider", "env", "--ref", "X", "--hosts", `https://${CANARY}`],
  },
  "init where there is a configuration": { args: ["init"] },
  "status": { args: ["status"] },
  "status of an environment": { args: ["status", "--env", "production"] },
  "status --json": { args: ["status", "--json"] },
  "status of an unknown environment": { args: ["status", "--env", "prodution"] },
  "status without configuration": { args: ["status"], toml: null },
  "validate": { args: ["validate"] },
  "validate --json": { args: ["validate", "--json"] },
  "validate with problems": { args: ["validate"], toml: BAD },
  "validate --json with problems": { args: ["validate", "--json"], toml: BAD },
  "validate of broken TOML": { args: ["validate"], toml: `[secrets]\nA = ${CANARY}\n` },
  "validate without configuration": { args: ["validate"], toml: null },
  "status with problems": { args: ["status"], toml: BAD },
  "completion of an unknown shell": { args: ["completion", CANARY] },
};

for (const [name, { args, toml = GOOD, env = {}, stdin }] of Object.entries(CASES)) {
  Deno.test(`kz: ${name}`, async (t) => {
    await using project = await makeProject({ ...(toml === null ? {} : { toml }), files: FILES });
    const result = await project.kz(args, { env, ...(stdin === undefined ? {} : { stdin }) });
    const clean = (text: string) =>
      withoutDeno(text).replaceAll(project.dir, "<project>").replaceAll(project.home, "<home>");
    const all = `${clean(result.stdout)}${clean(result.stderr)}`;
    // requirement: F-3.7, F-5.8, F-5.11, F-5.12, F-9.1, F-9.2, F-9.3
    assert.ok(!all.includes(CANARY), all);
    const text = `status ${result.status}\n--- stdout\n${clean(result.stdout)}--- stderr\n${clean(result.stderr)}`;
    await t.assertSnapshot(text);
  });
}
