import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { logDirectory, wholeChain } from "./testing/open_log.ts";

const WRITER = fileURLToPath(new URL("./testing/stdout_writer.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));

function startWriter(count: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-prompt", "--config", CONFIG, WRITER, String(count)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("StdoutSink writes a chain of its own to standard output, with no permission [S-7.2]", async () => {
  using directory = logDirectory();
  const { stdout, stderr } = await startWriter(3).output();
  assert.equal(new TextDecoder().decode(stderr), "written\n".repeat(3));
  Deno.writeFileSync(directory.log, stdout);
  assert.equal((await wholeChain(directory.log)).lines, 4);
});

Deno.test("StdoutSink denies once its reader has gone [S-7.2]", async () => {
  await using writer = startWriter(400);
  const reader = writer.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const said = await new Response(writer.stderr).text();
  await writer.status;
  assert.match(said, /^(?:written\n)*(?:AUDIT_UNAVAILABLE\n){100,}$/);
});
