import type { CommandSpec } from "./command.ts";

/** The commands of `kz audit`. */
export const AUDIT_COMMANDS: readonly CommandSpec[] = [
  {
    name: "audit verify",
    summary: "Check that nobody changed, added or removed a line of an audit log",
    options: [
      { name: "head", value: "hash", description: "Also check that this earlier head is in it: nothing was cut off" },
      { name: "key-file", value: "file", description: "Also check the MACs, with the server's key" },
      { name: "json", description: "Print JSON" },
    ],
    operands: { usage: "<file>... [options]", min: 1, max: Infinity },
    changes: false,
    load: async () => (await import("./audit_verify.ts")).auditVerifyCommand,
  },
  {
    name: "audit tail",
    summary: "Show the last lines of an audit log",
    options: [
      { name: "lines", value: "number", description: "How many lines (10)" },
      { name: "follow", description: "Go on with lines as they are written, also after the log is rotated" },
      { name: "json", description: "Print JSON, one line each" },
    ],
    operands: { usage: "<file> [options]", min: 1, max: 1 },
    changes: false,
    load: async () => (await import("./audit_tail.ts")).auditTailCommand,
  },
];
