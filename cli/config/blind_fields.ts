import { type ConnectionRule, parseConnectionRule } from "../../policy/connection_rule.ts";
import { AppError } from "../../policy/error.ts";
import { parseHost } from "../../policy/host.ts";
import { flag, integer, listOf, mapOf, oneOrMore, parsed, type Report, table, type TableOf } from "./field.ts";
import type { KeyPath } from "./key_path.ts";

/** A rule's parser reads whole rules; here each key is read in a rule of its own, so that the fault has its line. */
const ruleOf = (part: Partial<Parameters<typeof parseConnectionRule>[0]>): ConnectionRule =>
  parseConnectionRule({ allow: true, host: "*", ...part }, 1);

/** Methods that a rule or a resource is limited to. */
export const METHODS = listOf(
  parsed((method) => ruleOf({ methods: [method] }).methods![0]!, { description: "such as GET" }),
  { description: "Absent: every method. Empty: none." },
);

/** Paths that a rule or a resource is limited to. */
export const PATHS = listOf(
  parsed((path) => ruleOf({ paths: [path] }).paths![0]!, { description: "a path, or a prefix and *" }),
  { description: "Absent: every path. Empty: none." },
);

const RULE = table(
  {
    allow: flag({ description: "Whether a connection that matches is allowed." }),
    host: parsed((host) => ({ text: host, rule: ruleOf({ host }) }), {
      description: 'A host, "*.suffix", "*", or a regular expression between slashes.',
    }),
    port: integer({ minimum: 1, maximum: 65535 }, { description: "Absent: every port." }),
    methods: METHODS,
    paths: PATHS,
  },
  { description: "A connection rule; the first that matches decides." },
  ["allow", "host"],
);

const RULES = listOf(RULE, {
  description: "In order, first match wins. Absent: every public host is allowed. No match: denied.",
});

/** The keys of `[blind]`. */
export const BLIND_FIELDS = {
  connections: {
    schema: RULES.schema,
    read: (value: unknown, at: KeyPath, report: Report) =>
      RULES.read(value, at, report)?.flatMap(({ allow, host, port, methods, paths }, index) =>
        // What is missing is reported already.
        allow === undefined || host === undefined
          ? []
          : [parseConnectionRule({ allow, host: host.text, port, methods, paths }, index + 1)]
      ),
  },
  keep_env: listOf(
    parsed(parseKeptVariable, { description: "a name, or a beginning and *", pattern: "^[A-Za-z_]\\w*\\*?$" }),
    {
      description: "Variables of the caller that the child keeps in blind mode.",
      examples: [["LOG_*"]],
    },
  ),
  connect: mapOf(
    parsed(parseHost, { description: "" }),
    parsed(parseTarget, { description: "host:port" }),
    {
      description: "Dials another address for a host; its certificate is still verified for the host's name.",
      examples: [{ "api.github.com": "127.0.0.1:8443" }],
    },
  ),
  upstream_ca: oneOrMore(parsed(parsePath, { description: "a PEM file; a relative path starts at this file" }), {
    description: "Files with further certificates to trust upstream.",
  }),
};
export type BlindFields = TableOf<typeof BLIND_FIELDS>;

/** Where a connection really goes. */
export interface ConnectTarget {
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
}

function parseTarget(text: string): ConnectTarget {
  const [, name = "", digits = ""] = /^(.+):(\d{1,5})$/s.exec(text) ?? [];
  const port = Number(digits);
  if (port < 1 || port > 65535) {
    throw new AppError("CONFIG_HOST_INVALID", 'Cannot read address: "host:port" is expected', {
      hints: ['Write for example "127.0.0.1:8443"'],
    });
  }
  return { hostname: parseHost(name).replace(/^\[(.*)\]$/, "$1"), port };
}

function parseKeptVariable(text: string): string {
  // A lone "*" would keep everything, which is what blind mode is there to prevent.
  if (/^[A-Za-z_][A-Za-z0-9_]{0,127}\*?$/.test(text)) return text;
  throw new AppError(
    "CONFIG_NAME_INVALID",
    'Cannot read variable: its name is expected, or how it begins and then "*"',
    { hints: ['Write for example "LOG_LEVEL" or "LOG_*"'] },
  );
}

/** A path in a file of ours; a relative one starts at that file. */
export function parsePath(text: string): string {
  // deno-lint-ignore no-control-regex
  if (text !== "" && text.length <= 4096 && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new AppError("CONFIG_UNREADABLE", "Cannot read path: 1 to 4096 printable characters are expected");
}
