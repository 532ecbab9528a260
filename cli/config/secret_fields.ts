import { parseRefresh, REFRESH_PATTERN } from "../../policy/duration.ts";
import { parseHostGrant } from "../../policy/host_pattern.ts";
import { parseMask } from "../../policy/mask.ts";
import { MINTED_FIELD_PATTERN, MINTED_FIELDS, parseMintedField } from "../../policy/minted_field.ts";
import { parsePlacement, PLACEMENT_PATTERN } from "../../policy/placement.ts";
import { parseSecretName, type SecretName } from "../../policy/secret_name.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { SERVICE_NAMES } from "../../policy/service_name.ts";
import { parseTokenShape } from "../../policy/token_shape.ts";
import { type Composition, parseComposition } from "./composition.ts";
import {
  type Fault,
  type Field,
  flag,
  listOf,
  mapOf,
  oneOf,
  oneOrMore,
  parsed,
  type Report,
  table,
  type TableOf,
} from "./field.ts";
import { KNOWN_PROVIDERS } from "./known_providers.ts";

/** For a name that no provider has. */
export const UNKNOWN_PROVIDER: Fault = { code: "CONFIG_PROVIDER_UNKNOWN", state: "this provider is unknown" };

/** For a name that no service of the catalogue has. */
const UNKNOWN_SERVICE: Fault = {
  code: "CONFIG_SERVICE_UNKNOWN",
  state: "this service is unknown",
  hints: ["The services are listed in docs/services.md; for another write hosts and in"],
};

const HOST_GRANT = parsed(parseHostGrant, {
  description: "host, *.suffix or host:port, with an optional path prefix",
});

const SECRET_FIELDS = {
  provider: oneOf(KNOWN_PROVIDERS, { description: "Where the value is held." }, UNKNOWN_PROVIDER),
  ref: parsed(parseSecretRef, {
    description: "Where the value is at its provider, such as an item name or a path. Never the value itself.",
    minLength: 1,
    maxLength: 2048,
  }),
  hosts: listOf(HOST_GRANT, {
    description: "The only hosts that the secret may be sent to in blind mode. Absent: wherever the connection rules " +
      "allow. Empty: nowhere.",
    examples: [["api.github.com"]],
  }),
  in: oneOrMore(
    parsed(parsePlacement, {
      description: '"header", "query" or "body", with ":<name>", "path", or "websocket" (text messages)',
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
  service: oneOf(SERVICE_NAMES, {
    description: "A well-known service. It gives hosts, in and shape where the secret does not say them itself.",
  }, UNKNOWN_SERVICE),
  shape: parsed(parseTokenShape, {
    description: "What the token looks like, for programs that check what they are given: a name such as " +
      '"github", "jwt" or "masked" (as without a shape), or a template such as "sk-{alnum:48}".',
    examples: ["github", "jwt", "sk-{alnum:48}"],
    maxLength: 512,
  }),
  mints: listOf(
    parsed(parseMintedField, { description: "a field's name", pattern: MINTED_FIELD_PATTERN }),
    {
      description: "Fields in which hosts answer with new credentials, which the program gets a masked token for. " +
        "Absent: those of OAuth, and a token with a time of expiry. Empty: none, the program gets them as they are.",
      examples: [MINTED_FIELDS.slice(0, 3)],
    },
  ),
  minted_hosts: listOf(HOST_GRANT, {
    description: "The only hosts that such new credentials may be sent to. Absent: where the secret itself may go.",
    examples: [["api.example.com"]],
  }),
  options: {
    schema: {
      type: "object",
      additionalProperties: { type: "string" },
      description: "Options of the provider for this secret alone, over those of [providers.<name>].",
      examples: [{ region: "eu-west-1" }],
    },
    // Which options there are is known when the layers are merged, and with them the provider.
    read: (value) => ({ raw: value }),
  } satisfies Field<{ readonly raw: unknown }>,
  refresh: parsed(parseRefresh, {
    description:
      "How often the value is read again in a long blind run, from 10s to 24h; also when a host answers 401. " +
      "Absent: never.",
    pattern: REFRESH_PATTERN,
    examples: ["10m"],
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

/** `[secrets]`; see {@linkcode SecretEntry}. */
export function secretsField(required: readonly string[]): Field<ReadonlyMap<SecretName, SecretEntry>> {
  const name = parsed(parseSecretName, { description: "", pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" });
  return mapOf(name, secretEntry(required), {
    description: "Secrets, by the name of the environment variable that carries each.",
  });
}
