/** What an MCP client and server say to each other over standard streams, through `kz run`, directly and blind. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { kzCommand } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";
import { makeProject, type Project } from "./support/project.ts";

const UNIX = Deno.build.os !== "windows";
const MODES: [mode: string, flags: string[]][] = [["", []], [" --blind", ["--blind"]]];
const MEBIBYTE = 2 ** 20;

/** Every byte there is, in no order that an encoding would keep. */
function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  // One call gives at most 64 KiB.
  for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

async function start(project: Project, flags: readonly string[], command: readonly string[]) {
  const { file, args, env } = await kzCommand(["run", ...flags, "--", ...command], project.home);
  return new Deno.Command(file, {
    args,
    cwd: project.dir,
    env,
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** An MCP server in the form of the protocol's stdio transport: one JSON-RPC message a line, stderr is free. */
const SERVER = `
process.stderr.write("serving\\n");
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const result = method === "initialize"
    ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "é✓", version: "1" } }
    : { content: [{ type: "text", text: params.arguments.text }] };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
}).on("close", () => process.exit(9));
`;

for (const [mode, flags] of MODES) {
  Deno.test({
    name: `kz run${mode} passes an MCP conversation byte for byte, each message at once [F-4.2]`,
    ignore: !hasProgram("node"),
    async fn() {
      await using project = await makeProject({ toml: "[secrets]\n", files: { "server.cjs": SERVER } });
      await using child = await start(project, flags, ["node", "server.cjs"]);
      const answers = child.stdout.getReader();
      const writer = child.stdin.getWriter();
      let id = 0;
      const ask = async (method: string, params: unknown, result: unknown) => {
        const request = `${JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params })}\n`;
        await writer.write(new TextEncoder().encode(request));
        // The input stays open: nothing may wait for more.
        const expected = new TextEncoder().encode(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);
        let seen = new Uint8Array(0);
        while (seen.length < expected.length) {
          const { value, done } = await answers.read();
          assert.ok(!done, "the server ended");
          seen = new Uint8Array(Buffer.concat([seen, value]));
        }
        assert.ok(Buffer.compare(seen, expected) === 0, `answer ${id} differs`);
      };
      await ask("initialize", { protocolVersion: "2025-06-18" }, {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "é✓", version: "1" },
      });
      for (const text of ["", "\r\n\0\u001b[31m", "é€😀", "x".repeat(300_000)]) {
        await ask("tools/call", { name: "echo", arguments: { text } }, { content: [{ type: "text", text }] });
      }
      await writer.close();
      assert.equal((await answers.read()).done, true);
      assert.match(await new Response(child.stderr).text(), /^serving\n/m);
      assert.equal((await child.status).code, 9);
    },
  });

  Deno.test({
    name: `kz run${mode} passes a mebibyte of any bytes in and out [F-4.2]`,
    ignore: !UNIX,
    async fn() {
      await using project = await makeProject({ toml: "[secrets]\n" });
      await using child = await start(project, flags, ["sh", "-c", "tee /dev/stderr"]);
      const sent = randomBytes(MEBIBYTE);
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).bytes(),
        new Response(child.stderr).bytes(),
        ReadableStream.from([sent]).pipeTo(child.stdin),
      ]);
      assert.equal((await child.status).code, 0);
      assert.ok(Buffer.compare(stdout, sent) === 0, "standard output differs");
      // Deno itself may say before that its cache is in use.
      assert.ok(Buffer.compare(stderr.subarray(stderr.length - sent.length), sent) === 0, "standard error differs");
    },
  });
}
