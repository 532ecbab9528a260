import { AppError } from "../../policy/error.ts";
import { SERVER_PROXY_REF } from "../../policy/server/server_proxy.ts";
import type { SecretRef } from "../../policy/secret_ref.ts";
import type { Machine } from "../../providers/machine.ts";
import type { ProviderOptions } from "../../providers/options.ts";
import { getProvider, PROVIDERS } from "../../providers/registry.ts";
import { faultOf, type Field, isTable, table, unknownKey } from "./field.ts";

/** The names of all providers. */
export const KNOWN_PROVIDERS: readonly string[] = PROVIDERS.map(({ name }) => name);

/** The `[providers.<name>]` table, checked by that provider's own rules, one option at a time. */
export function providerOptions(name: string): Field<ProviderOptions> {
  const provider = getProvider(name);
  const { properties } = provider.optionsSchema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => [
      key,
      // The provider matches the whole value; JSON Schema would match a part.
      {
        schema: { ...schema, ...(schema.pattern === undefined ? {} : { pattern: `^(?:${schema.pattern})$` }) },
        read: () => undefined,
      },
    ]),
  );
  return {
    schema: table(fields, { description: provider.description }).schema,
    read(value, at, report) {
      if (!isTable(value)) {
        report(at, { code: "CONFIG_TYPE_INVALID", state: "a table is expected" });
        return undefined;
      }
      let options: ProviderOptions = {};
      for (const [key, raw] of Object.entries(value)) {
        if (!Object.hasOwn(properties, key)) report([...at, key], unknownKey(key, Object.keys(properties)));
        else {
          try {
            options = { ...options, ...provider.parseOptions({ [key]: raw }) };
          } catch (error) {
            report([...at, key], faultOf(error));
          }
        }
      }
      return options;
    },
  };
}

/** @throws {AppError} `CONFIG_REF_INVALID` if the provider cannot have a secret of this reference. */
export function checkRef(provider: string, ref: SecretRef, machine: Machine): void {
  // The way to a server's proxy is for the proxy of a blind run, and no secret of a program.
  if (ref === SERVER_PROXY_REF && provider === "keyzero") {
    throw new AppError("CONFIG_REF_INVALID", 'Cannot read reference of provider "keyzero": a resource ref is expected');
  }
  getProvider(provider).parseRef(ref, machine);
}
