import type { CommandSpec } from "./command.ts";

/** The commands of `kz jwt`. */
export const JWT_COMMANDS: readonly CommandSpec[] = [
  {
    name: "jwt keygen",
    summary: "Make a key for signing JWTs, and show what a bundle needs of it",
    options: [
      { name: "out", value: "file", description: "The new file that the private key or secret goes to" },
      { name: "alg", value: "name", description: "ES256 (default), RS256, PS256, EdDSA, HS256, …" },
      { name: "kid", value: "id", description: "The key's id; by default its thumbprint (RFC 7638)" },
    ],
    operands: { usage: "--out <file> [--alg <name>] [--kid <id>]", min: 0, max: 0 },
    changes: true,
    load: async () => (await import("./jwt_keygen.ts")).jwtKeygenCommand,
  },
  {
    name: "jwt sign",
    summary: "Sign a JWT for trying a server out, and print it",
    options: [
      { name: "key", value: "file", description: "What kz jwt keygen wrote, or another private key in PEM" },
      { name: "alg", value: "name", description: "The algorithm; by default the key's own" },
      {
        name: "kid",
        value: "id",
        description: "The key's id, if the bundle calls it otherwise than by its thumbprint",
      },
      { name: "issuer", value: "url", description: "iss: the bundle's issuer_url, character for character" },
      { name: "audience", value: "name", description: "aud: the bundle's audience" },
      { name: "subject", value: "name", description: "sub: who calls" },
      { name: "expires", value: "time", description: "How long it is valid: 90s, 15m, 1h (default), 7d" },
      {
        name: "claim",
        value: "name=text",
        repeated: true,
        description: "Another claim; name:=JSON for what is no text; may be repeated",
      },
    ],
    operands: {
      usage: "--key <file> [--issuer <url>] [--audience <name>] [--subject <name>] [--claim <name=text>] …",
      min: 0,
      max: 0,
    },
    changes: true,
    load: async () => (await import("./jwt_sign.ts")).jwtSignCommand,
  },
  {
    name: "jwt inspect",
    summary: "Show what a JWT on standard input says, and what a bundle makes of it",
    options: [
      { name: "bundle", value: "file", description: "Verify it by this bundle; its issuers' keys are fetched" },
    ],
    operands: {
      usage: "[--bundle <file>] < <file>",
      min: 0,
      max: 0,
      excessHint: "A JWT is never taken from an argument: pipe it, or run this in a terminal to be asked for it",
    },
    changes: false,
    load: async () => (await import("./jwt_inspect.ts")).jwtInspectCommand,
  },
];
