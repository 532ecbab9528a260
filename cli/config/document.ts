import { type ConnectionRule, parseConnectionRule } from "../../policy/connection_rule.ts";
import { AppError } from "../../policy/error.ts";
import { type Host, parseHost } from "../../policy/host.ts";
import { parseHostGrant } from "../../policy/host_pattern.ts";
import { parseMask } from "../../policy/mask.ts";
import { parsePlacement, PLACEMENT_PATTERN } from "../../policy/placement.ts";
import { parseSecretName, type SecretName } from "../../policy/secret_name.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import type { ProviderOptions } from "../../providers/options.ts";
import { type Composition, parseComposition } from "./composition.ts";
import {
  type Fault,
  type Field,
  flag,
  integer,
  isTable,
  listOf,
  mapOf,
  oneOf,
  oneOrMore,
  parsed,
  type Report,
  table,
  type TableOf,
  unknownKey,
} from "./field.ts";
import { isHarmlessKey, type KeyPath } from "./key_path.ts";
import { KNOWN_PROVIDERS, providerOptions } from "./known_providers.ts";

// Every key of `.keyzero.toml` is defined in this file, once: the loader reads by it and `schema/` is made from it.

const UNKNOWN_PROVIDER: Fault = { code: "CONFIG_PROVIDER_UNKNOWN", state: "this provider is unknown" };

const SECRET_FIELDS = {
  provider: oneOf(KNOWN_PROVIDERS, { description: "Where the value is held." }, UNKNOWN_PROVIDER),
  ref: parsed(parseSecretRef, {
    description: "Where the value is at its provider, such as an item name or a path. Never the value itself.",
    minLength: 1,
    maxLength: 2048,
  }),
  hosts: listOf(parsed(parseHostGrant, { description: "host, *.suffix or host:port, with an optional path prefix" }), {
    description: "The only hosts that the secret may be sent to in blind mode. Absent: wherever the connection rules " +
      "allow. Empty: nowhere.",
    examples: [["api.github.com"]],
  }),
  in: oneOrMore(
    parsed(parsePlacement, {
      description: '"header", "query", "path" or "body", with ":<name>"',
      pattern: PLACEMENT_PATTERN,
    }),
    {
      description: "Where in a request the secret may stand in blind mode.",
      default: "header",
    },
  ),
  optional: flag({ description: "If true, a secret that is not found leaves its variable unset.", default: false }),
  expose: flag({ description: "If false, the secret is for composed secrets only.", default: true }),
  mask: parsed(parseMask, {
    description: 'How much of the value a token replaces: "auto" (in a URL, the password), "whole", or a regular ' +
      "expression between slashes whose first group is replaced.",
    default: "auto",
  }),
};
/** The keys of a secret's table, as far as they are written. */
export type SecretFields = TableOf<typeof SECRET_FIELDS>;

/** An entry of `[secrets]`. */
export type SecretEntry =
  | { readonly kind: "provided"; readonly fields: SecretFields }
  | { readonly kind: "composed"; readonly parts: Composition }
  /** Its faults are reported; it is kept so that what refers to it is not reported as well. */
  | { readonly kind: "faulty" };

/** @param required Keys that editors ask for. The loader asks for them after the files are merged. */
function secretEntry(required: readonly string[]): Field<SecretEntry> {
  const provided = table(SECRET_FIELDS, { description: "A secret that a provider holds." });
  const composed = parsed(parseComposition, {
    description: 'Text with other secrets in it as "${NAME}"; "$${" stands for "${" itself.',
    pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}",
  });
  const ask = required.length === 0 ? {} : { required };
  return {
    schema: { anyOf: [{ ...provided.schema, ...ask }, composed.schema] },
    read(value, at, report) {
      let faults = 0;
      const counted: Report = (path, fault) => {
        faults++;
        report(path, fault);
      };
      let entry: SecretEntry | undefined;
      if (typeof value === "string") {
        const parts = composed.read(value, at, counted);
        if (parts !== undefined) entry = { kind: "composed", parts };
      } else {
        const fields = provided.read(value, at, counted);
        if (fields !== undefined) entry = { kind: "provided", fields };
      }
      return faults > 0 || entry === undefined ? { kind: "faulty" } : entry;
    },
  };
}

function secretsField(required: readonly string[]): Field<ReadonlyMap<SecretName, SecretEntry>> {
  const name = parsed(parseSecretName, { description: "", pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" });
  return mapOf(name, secretEntry(required), {
    description: "Secrets, by the name of the environment variable that carries each.",
  });
}

/** A rule's parser reads whole rules; here each key is read in a rule of its own, so that the fault has its line. */
const ruleOf = (part: Partial<Parameters<typeof parseConnectionRule>[0]>): ConnectionRule =>
  parseConnectionRule({ allow: true, host: "*", ...part }, 1);

const RULE = table(
  {
    allow: flag({ description: "Whether a connection that matches is allowed." }),
    host: parsed((host) => ({ text: host, rule: ruleOf({ host }) }), {
      description: 'A host, "*.suffix", "*", or a regular expression between slashes.',
    }),
    port: integer({ minimum: 1, maximum: 65535 }, { description: "Absent: every port." }),
    methods: listOf(parsed((method) => ruleOf({ methods: [method] }).methods![0]!, { description: "such as GET" }), {
      description: "Absent: every method. Empty: none.",
    }),
    paths: listOf(
      parsed((path) => ruleOf({ paths: [path] }).paths![0]!, { description: "a path, or a prefix and *" }),
      {
        description: "Absent: every path. Empty: none.",
      },
    ),
  },
  { description: "A connection rule; the first that matches decides." },
  ["allow", "host"],
);

const RULES = listOf(RULE, {
  description: "In order, first match wins. Absent: every public host is allowed. No match: denied.",
});

const BLIND_FIELDS = {
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
  const host: Host = parseHost(name);
  return { hostname: host.replace(/^\[(.*)\]$/, "$1"), port };
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

function parsePath(text: string): string {
  // deno-lint-ignore no-control-regex
  if (text !== "" && text.length <= 4096 && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new AppError("CONFIG_UNREADABLE", "Cannot read path: 1 to 4096 printable characters are expected");
}

const PROVIDER_FIELDS: Readonly<Record<string, Field<ProviderOptions>>> = Object.fromEntries(
  KNOWN_PROVIDERS.map((name) => [name, providerOptions(name)]),
);
const PROVIDERS: Field<ReadonlyMap<string, ProviderOptions>> = {
  schema: table(PROVIDER_FIELDS, { description: "Options of providers, by the provider's name." }).schema,
  read(value, at, report) {
    if (!isTable(value)) {
      report(at, { code: "CONFIG_TYPE_INVALID", state: "a table is expected" });
      return undefined;
    }
    const result = new Map<string, ProviderOptions>();
    for (const [name, raw] of Object.entries(value)) {
      if (!Object.hasOwn(PROVIDER_FIELDS, name)) {
        report([...at, name], {
          ...unknownKey(name, KNOWN_PROVIDERS),
          ...UNKNOWN_PROVIDER,
        });
        continue;
      }
      const options = PROVIDER_FIELDS[name]!.read(raw, [...at, name], report);
      if (options !== undefined) result.set(name, options);
    }
    return result;
  },
};

function sectionFields(required: readonly string[]) {
  return {
    secrets: secretsField(required),
    providers: PROVIDERS,
    blind: table(BLIND_FIELDS, { description: "Blind mode: what the child may reach, and what it keeps." }),
  };
}

const TOP = sectionFields(["provider", "ref"]);
const ENVIRONMENT = table(sectionFields([]), {
  description: "An environment: what it names overrides the default, key by key.",
});
/** What one environment says, or the part of a file outside every environment. */
export type Section = TableOf<ReturnType<typeof sectionFields>>;
export interface ConfigDocument {
  readonly base: Section;
  readonly environments: ReadonlyMap<string, Section>;
}

/** Never names of environments: keys that have a meaning, or are kept for one. */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.keys(TOP),
  ...["audit", "default", "enclave", "environments", "extends", "include", "server", "version"],
]);
const ENVIRONMENT_REGEXP = /^[A-Za-z0-9_-]{1,64}$/;

/** A whole configuration file. */
export const DOCUMENT: Field<ConfigDocument> = {
  schema: {
    type: "object",
    properties: table(TOP, { description: "" }).schema["properties"],
    additionalProperties: ENVIRONMENT.schema,
    propertyNames: { pattern: ENVIRONMENT_REGEXP.source },
  },
  read(value, at, report) {
    if (!isTable(value)) throw new TypeError("Cannot read document: it is no table");
    const base: Record<string, unknown> = {};
    const environments = new Map<string, Section>();
    for (const [key, entry] of Object.entries(value)) {
      if (Object.hasOwn(TOP, key)) base[key] = entry;
      else if (isEnvironment(key, entry)) {
        const section = ENVIRONMENT.read(entry, [...at, key], report);
        if (section !== undefined) environments.set(key, section);
      } else report([...at, key], unknownKey(key, Object.keys(TOP)));
    }
    return { base: table(TOP, { description: "" }).read(base, at, report) ?? {}, environments };
  },
};

/** A table that is empty or has a key of an environment; anything else is more likely a misspelt `[secrets]`. */
function isEnvironment(key: string, value: unknown): boolean {
  // Its name is shown in messages, so that it may not look like a secret.
  if (!ENVIRONMENT_REGEXP.test(key) || RESERVED.has(key) || !isHarmlessKey(key) || !isTable(value)) return false;
  const keys = Object.keys(value);
  return keys.length === 0 || keys.some((name) => Object.hasOwn(TOP, name));
}

const DEFAULTS = table({ providers: PROVIDERS }, { description: "" });

/** The user's own file, which holds provider defaults and nothing else. */
export const USER_DOCUMENT: Field<ConfigDocument> = {
  schema: DEFAULTS.schema,
  read(value, at, report) {
    const marked: Report = (path, fault) =>
      report(
        path,
        path.length === at.length + 1 && fault.code === "CONFIG_KEY_UNKNOWN"
          ? { ...fault, hints: ["This file holds [providers.*] only; move the rest to .keyzero.toml"] }
          : fault,
      );
    return { base: DEFAULTS.read(value, at, marked) ?? {}, environments: new Map() };
  },
};
