// Appends a number of events to standard output, one after another, and ends; to standard error it writes how each ended.
import { AuditProcess } from "../audit_process.ts";
import { numbered } from "./open_log.ts";

await using audit = await AuditProcess.start({ sink: { kind: "stdout" }, key: undefined, onTrouble: () => {} });
for (let n = 1; n <= Number(Deno.args[0]); n++) {
  const outcome = await audit.append(numbered(n)).then(() => "written", ({ code }) => code);
  Deno.stderr.writeSync(new TextEncoder().encode(`${outcome}\n`));
}
