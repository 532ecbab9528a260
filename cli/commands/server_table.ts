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
  {
    name: "server revoke",
    summary: "Revoke a token of a running server, or all of a subject so far",
    options: [
      { name: "server", value: "url", description: "The server: https, or http on this machine" },
      { name: "jwt-file", value: "file", description: "The JWT to show it; by default KEYZERO_JWT_FILE" },
      { name: "id", value: "id", description: "A token's id, as the audit names it" },
      { name: "issuer", value: "name", description: "With --subject: the issuer's name in the bundle" },
      { name: "subject", value: "name", description: "Whose tokens, all that were made up to now" },
      { name: "ca", value: "file", description: "PEM: the only roots that its certificate may be of" },
    ],
    operands: { usage: "--server <url> (--id <id> | --issuer <name> --subject <name>)", min: 0, max: 0 },
    changes: true,
    load: async () => (await import("./server_revoke.ts")).serverRevokeCommand,
  },
];
