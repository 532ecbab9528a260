import type { CommandSpec } from "./command.ts";

/** The commands of `kz server`. */
export const SERVER_COMMANDS: readonly CommandSpec[] = [
  {
    name: "server check",
    summary: "Check a server's bundle, without a network",
    options: [
      { name: "bundle", value: "file", description: "The bundle, bundle.yaml" },
      { name: "strict", description: "Fail on a warning too" },
      { name: "json", description: "Print JSON" },
    ],
    operands: { usage: "--bundle <file>", min: 0, max: 0 },
    changes: false,
    load: async () => (await import("./server_check.ts")).serverCheckCommand,
  },
];
