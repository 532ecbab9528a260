// Appends to an audit log without end, from several clients at once, and says which events were acknowledged: one id a
// line. A test kills it. Arguments: the log, the first id, the number of
// clients, and how many events at most.
import { PortCaller } from "../../../../proxy/port_calls.ts";
import { AuditProcess } from "../audit_process.ts";

const [path = "", first = "0", clients = "8", most = "Infinity"] = Deno.args;
const end = Number(first) + Number(most);
const audit = await AuditProcess.start({ sink: { kind: "file", path }, key: undefined, onTrouble: () => Deno.exit(1) });
let next = Number(first);
for (let n = 0; n < Number(clients); n++) void appendAll();

async function appendAll(): Promise<void> {
  const caller = new PortCaller<unknown, null>(audit.connect());
  for (;;) {
    const id = next++;
    if (id >= end) Deno.exit(0);
    await caller.call({ event: "resolve", outcome: "allowed", tokenId: `id-${id}`, subject: "agent".repeat(id % 50) });
    Deno.stdout.writeSync(new TextEncoder().encode(`${id}\n`));
  }
}
