import type { ProviderOptions } from "../../providers/options.ts";
import { BLIND_FIELDS } from "./blind_fields.ts";
import { type Field, isTable, type Report, table, type TableOf, unknownKey } from "./field.ts";
import { isHarmlessKey } from "./key_path.ts";
import { KNOWN_PROVIDERS, providerOptions } from "./known_providers.ts";
import { secretsField, UNKNOWN_PROVIDER } from "./secret_fields.ts";

// Every key of `.keyzero.toml` is defined once, here and in what this imports: the loader reads by these definitions and
// `schema/` is made from them.

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
