import { dirname, join } from "node:path";
import { AppError } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";
import { parseAwsRef } from "./aws_ref.ts";
import { awsPermissions, prepareAws, REGION_PATTERN } from "./aws_setup.ts";
import { KEYCHAIN_ENV, KEYCHAIN_PROGRAM } from "./keychain_programs.ts";
import { keyzeroPermissions, parseKeyzeroRef, prepareKeyzero, SERVER_URL_PATTERN } from "./keyzero_setup.ts";
import { isProviderName, PROVIDER_NAMES, type ProviderName } from "./load_provider.ts";
import { homeOf, type Machine } from "./machine.ts";
import { type OptionsSchema, parseOptions, type ProviderOptions } from "./options.ts";
import { absolutePath, parseDotenvRef, parseFileRef, splitDotenvRef } from "./path_ref.ts";
import type { PermissionSet } from "./permission_set.ts";
import { IDENTITY_PLACES, identityPath, PASSPHRASE_VARIABLE } from "./store_names.ts";

/** What a worker is started for. Only `put` may change anything. */
export type ProviderAction = "resolve" | "put" | "check";

/** One provider, as configuration, documentation and the supervisor see it. Loading this loads no provider. */
export interface ProviderEntry {
  readonly name: ProviderName;
  /** One line. */
  readonly description: string;
  /** What a reference looks like. */
  readonly refForm: string;
  readonly writable: boolean;
  /** The `[providers.<name>]` table. */
  readonly optionsSchema: OptionsSchema;
  /** Checks a `[providers.<name>]` table; see {@linkcode parseOptions}. */
  parseOptions(raw: Readonly<Record<string, unknown>>): ProviderOptions;
  /**
   * Checks a reference and makes it independent of the working directory.
   *
   * @throws {AppError} `CONFIG_REF_INVALID`; the message never holds `ref`.
   */
  parseRef(ref: SecretRef, machine: Machine): SecretRef;
  /** Fills in what depends on the machine, for the worker. */
  prepare(options: ProviderOptions, machine: Machine): ProviderOptions;
  /** The least that the worker needs. `options` are prepared, `refs` parsed. */
  permissions(
    options: ProviderOptions,
    refs: readonly SecretRef[],
    need: { machine: Machine; action: ProviderAction },
  ): PermissionSet;
}

type Definition = Omit<ProviderEntry, "name" | "parseOptions" | "optionsSchema" | "prepare"> & {
  readonly options: OptionsSchema["properties"];
  readonly prepare?: ProviderEntry["prepare"];
};

const SERVICE_OPTION = {
  type: "string",
  description: "The service name of the items in the keychain",
  examples: ["keyzero"],
} as const;

const DEFINITIONS: Record<ProviderName, Definition> = {
  keychain: {
    description: "The system's keychain: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows",
    refForm: "item name",
    writable: true,
    options: { service: SERVICE_OPTION },
    parseRef: (ref) => ref,
    permissions: (_options, _refs, { machine }) => keychainPermissions(machine),
  },
  store: {
    description: "The embedded default: one age-encrypted file, for machines without a keychain",
    refForm: "item name",
    writable: true,
    options: {
      path: {
        type: "string",
        description: "The store's file; relative paths start at the directory of .keyzero.toml",
        examples: ["~/.local/share/keyzero/store.age"],
      },
      identity: {
        type: "string",
        description: "Where the store's key is kept; auto takes KEYZERO_PASSPHRASE, then the keychain, then a file",
        enum: IDENTITY_PLACES,
      },
    },
    parseRef: (ref) => ref,
    prepare: prepareStore,
    permissions: storePermissions,
  },
  env: {
    description: "A variable of the environment that kz was started in",
    refForm: "variable name",
    writable: false,
    options: {},
    parseRef: parseVariable,
    permissions: (_options, refs) => ({ env: refs }),
  },
  file: {
    description: "A file's whole content, without one trailing line break",
    refForm: "path",
    writable: false,
    options: {},
    parseRef: parseFileRef,
    permissions: (_options, refs) => ({ read: refs }),
  },
  dotenv: {
    description: "A key in a dotenv file",
    refForm: "path#KEY",
    writable: false,
    options: {},
    parseRef: parseDotenvRef,
    permissions: (_options, refs) => ({ read: [...new Set(refs.map((ref) => splitDotenvRef(ref).path))] }),
  },
  aws: {
    description: "AWS Secrets Manager and Systems Manager Parameter Store",
    refForm: "sm://id, sm://id#json-key or ssm://name",
    writable: true,
    options: {
      region: { type: "string", description: "The region", pattern: REGION_PATTERN, examples: ["eu-west-1"] },
      profile: {
        type: "string",
        description: "A profile of ~/.aws/config",
        pattern: "[A-Za-z0-9_./@+=:, -]{1,128}",
        examples: ["production"],
      },
      endpoint: {
        type: "string",
        description: "A URL to reach instead of the region's endpoints: https, or http on this machine",
        pattern: "https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/?|http://(?:localhost|127\\.0\\.0\\.1)(?::[0-9]{1,5})?/?",
        examples: ["http://localhost:4566"],
      },
    },
    parseRef: (ref) => (parseAwsRef(ref), ref),
    prepare: prepareAws,
    permissions: (options, _refs, { machine }) => awsPermissions(options, machine),
  },
  keyzero: {
    description: "A KeyZero server of your team (kz server start)",
    refForm: "resource ref",
    writable: false,
    options: {
      url: {
        type: "string",
        description: "The server's URL: https, or http on this machine; by default KEYZERO_SERVER_URL",
        pattern: SERVER_URL_PATTERN,
        examples: ["https://keyzero.internal:8443"],
      },
      jwt_file: {
        type: "string",
        description: "The file with the JWT that says who you are, read anew each time; by default KEYZERO_JWT_FILE",
        examples: ["/var/run/secrets/tokens/keyzero"],
      },
      ca: {
        type: "string",
        description: "A PEM file with the only roots that the server's certificate may be of",
        examples: ["/etc/keyzero/ca.pem"],
      },
    },
    parseRef: parseKeyzeroRef,
    prepare: prepareKeyzero,
    permissions: keyzeroPermissions,
  },
};

/** Every provider, in the order of the documentation. */
export const PROVIDERS: readonly ProviderEntry[] = PROVIDER_NAMES.map((name) => {
  const { options, prepare, ...rest } = DEFINITIONS[name];
  const optionsSchema: OptionsSchema = { type: "object", additionalProperties: false, properties: options };
  return {
    ...rest,
    name,
    optionsSchema,
    parseOptions: (raw) => parseOptions(name, optionsSchema, raw),
    prepare: prepare ?? ((checked) => checked),
  };
});

/** @returns undefined if there is no such provider. */
export function findProvider(name: string): ProviderEntry | undefined {
  return isProviderName(name) ? PROVIDERS.find((entry) => entry.name === name) : undefined;
}

/** @throws {AppError} `CONFIG_PROVIDER_UNKNOWN`; the message never holds `name`. */
export function getProvider(name: string): ProviderEntry {
  const entry = findProvider(name);
  if (entry !== undefined) return entry;
  throw new AppError("CONFIG_PROVIDER_UNKNOWN", "Cannot use provider: there is none of this name", {
    hints: [`Known providers: ${PROVIDER_NAMES.join(", ")}`],
  });
}

function parseVariable(ref: SecretRef): SecretRef {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(ref)) return ref;
  throw new AppError(
    "CONFIG_REF_INVALID",
    'Cannot read reference of provider "env": the name of a variable is expected',
    {
      hints: ['Write letters, digits and underscores, for example "GITHUB_TOKEN"'],
    },
  );
}

function keychainPermissions(machine: Machine): PermissionSet {
  const program = KEYCHAIN_PROGRAM[machine.os];
  return program === undefined ? {} : { run: [program], env: KEYCHAIN_ENV[machine.os] ?? [] };
}

function prepareStore(options: ProviderOptions, machine: Machine): ProviderOptions {
  if (options.path !== undefined) return { ...options, path: absolutePath(options.path, machine) };
  // XDG Base Directory Specification: a relative value is ignored.
  const data = machine.env("XDG_DATA_HOME");
  const base = data?.startsWith("/") ? data : join(homeOf(machine) ?? absent(), ".local", "share");
  return { ...options, path: join(base, "keyzero", "store.age") };
}

function absent(): never {
  throw new AppError("CONFIG_REF_INVALID", "Cannot place the store: the home directory is not known", {
    hints: ["Set HOME, or set path under [providers.store]"],
  });
}

function storePermissions(
  { path = absent(), identity = "auto" }: ProviderOptions,
  _refs: readonly SecretRef[],
  { machine, action }: { machine: Machine; action: ProviderAction },
): PermissionSet {
  const keychain = identity === "auto" || identity === "keychain" ? keychainPermissions(machine) : {};
  const directory = [dirname(path)];
  return {
    ...keychain,
    env: [...keychain.env ?? [], PASSPHRASE_VARIABLE],
    ...(action === "put" ? { read: directory, write: directory } : { read: [path, identityPath(path)] }),
  };
}
