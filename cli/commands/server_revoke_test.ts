import assert from "node:assert/strict";
import { join } from "node:path";
import { AppError } from "../../policy/error.ts";
import { problem } from "../../providers/testing/fake_keyzero.ts";
import { temporaryDirectory } from "../../providers/testing/store_of.ts";
import { parseArguments } from "./arguments.ts";
import { SERVER_COMMANDS } from "./server_table.ts";

const JWT = "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJqd3QifQ.c2lnbmF0dXJl";
const ID = "0123456789abcdef0123456789abcdef";
const SPEC = SERVER_COMMANDS.find(({ name }) => name === "server revoke")!;

/** Runs the command before a server that answers as it is told; gives what the server was sent. */
async function revoke(args: readonly string[], answer: () => Response = () => new Response(null, { status: 204 })) {
  using directory = temporaryDirectory();
  await Deno.writeTextFile(join(directory.path, "jwt"), `${JWT}\n`);
  const seen: { line: string; authorization: string | null; body: unknown }[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const line = `${request.method} ${new URL(request.url).pathname}`;
    seen.push({ line, authorization: request.headers.get("authorization"), body: await request.json() });
    return answer();
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const command = await SPEC.load();
  const given = args.map((arg) => arg === "URL" ? url : arg);
  const around = { cwd: directory.path, getEnv: () => undefined };
  const outcome = await command(parseArguments(SPEC, given), around).catch((error) => error);
  return { outcome, seen };
}

const AT = ["--server", "URL", "--jwt-file", "jwt"];

const SENT: readonly [why: string, args: readonly string[], body: unknown][] = [
  ["a token by its id", ["--id", ID], { id: ID }],
  ["a subject", ["--issuer", "internal", "--subject", "agent 1/ä"], { issuer: "internal", subject: "agent 1/ä" }],
];
for (const [why, args, body] of SENT) {
  Deno.test(`kz server revoke asks the server to revoke ${why} [S-6.3]`, async () => {
    const { outcome, seen } = await revoke([...AT, ...args]);
    assert.equal(outcome, 0);
    assert.deepEqual(seen, [{ line: "POST /v1/revoke", authorization: `Bearer ${JWT}`, body }]);
  });
}

const USAGE: readonly [why: string, args: readonly string[]][] = [
  ["neither", AT],
  ["both", [...AT, "--id", ID, "--subject", "a"]],
  ["a subject without its issuer", [...AT, "--subject", "canary"]],
  ["a token in the place of its id", [...AT, "--id", "KZ_TOK_1canary"]],
  ["no server", ["--jwt-file", "jwt", "--id", ID]],
  ["a server in clear text", ["--server", "http://canary.internal", "--jwt-file", "jwt", "--id", ID]],
  ["no JWT", ["--server", "URL", "--id", ID]],
];
for (const [why, args] of USAGE) {
  Deno.test(`kz server revoke refuses ${why}, and sends nothing [S-6.3]`, async () => {
    const { outcome, seen } = await revoke(args);
    assert(outcome instanceof AppError);
    assert.equal(outcome.code, "USAGE_INVALID");
    assert(!(outcome.message + outcome.hints).includes("canary"));
    assert.deepEqual(seen, []);
  });
}

const REFUSED: readonly [why: string, answer: () => Response, message: string][] = [
  [
    "a caller who may not",
    () => problem(403, "POLICY_DENIED"),
    "Cannot revoke: the server answers POLICY_DENIED: No policy allows this",
  ],
  [
    "a state that cannot be reached",
    () => problem(503, "STATE_UNAVAILABLE"),
    "Cannot revoke: the server answers STATE_UNAVAILABLE: The state of revocations cannot be read",
  ],
  ["another answer", () => new Response("canary"), "Cannot revoke: the server answers status 200"],
];
for (const [why, answer, message] of REFUSED) {
  Deno.test(`kz server revoke does not say "revoked" of ${why} [S-6.3]`, async () => {
    const { outcome } = await revoke([...AT, "--id", ID], answer);
    assert(outcome instanceof AppError);
    assert.deepEqual({ code: outcome.code, message: outcome.message }, { code: "SERVER_REFUSED", message });
  });
}

Deno.test("kz server revoke says that the server cannot be reached [S-6.3]", async () => {
  const { outcome } = await revoke(["--server", "http://127.0.0.1:1", "--jwt-file", "jwt", "--id", ID]);
  assert(outcome instanceof AppError);
  assert.deepEqual([outcome.code, outcome.message], [
    "SERVER_UNREACHABLE",
    "Cannot revoke: the server cannot be reached",
  ]);
});
