import type { CommandSpec } from "./command.ts";

/** The commands of `kz server`. */
export const SERVER_COMMANDS: readonly CommandSpec[] = [
  {
    name: "server start",
    summary: "Serve resolve and fetch to agents, over HTTP, MCP or both",
    options: [
      { name: "bundle", value: "file", description: "The bundle: issuers, policies, resources and backends" },
      { name: "listen", value: "address", description: "Where to listen; without --mcp 127.0.0.1:7070 if not given" },
      { name: "mcp", description: "Speak MCP: at /mcp with --listen, on the standard streams without" },
      { name: "proxy", value: "address", description: "Run the proxy that replaces tokens by values" },
      { name: "proxy-url", value: "url", description: "How callers reach the proxy, if not by its address" },
      { name: "tls-cert", value: "file", description: "The server's certificate chain, PEM" },
      { name: "tls-key", value: "file", description: "Its private key, PEM" },
      { name: "insecure-http", description: "Listen without TLS where other machines can connect" },
      {
        name: "allowed-host",
        value: "names",
        list: true,
        description: "Further names by which clients may call the server",
      },
      { name: "audit", value: "sink", description: "Where the audit log goes: file:PATH, stdout or otlp:URL" },
      { name: "jwt-file", value: "file", description: "The JWT of callers that bring none over MCP" },
    ],
    operands: { usage: "--bundle <file> [options]", min: 0, max: 0 },
    changes: true,
    load: async () => (await import("./server_start.ts")).serverStartCommand,
  },
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
    name: "server test",
    summary: "Decide recorded requests by a bundle, and print what changed",
    options: [
      { name: "bundle", value: "file", description: "The bundle, bundle.yaml" },
      { name: "json", description: "Print every decision, as JSON" },
    ],
    operands: { usage: "<fixtures.yaml> --bundle <file>", min: 1, max: 1 },
    changes: false,
    load: async () => (await import("./server_test_command.ts")).serverTestCommand,
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
