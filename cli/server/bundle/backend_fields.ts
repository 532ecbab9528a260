import type { Backend } from "../../../policy/server/bundle.ts";
import { type Field, isTable, mapOf, oneOf, parsed, wrongTypeFault } from "../../config/field.ts";
import { KNOWN_PROVIDERS, providerOptions } from "../../config/known_providers.ts";
import { UNKNOWN_PROVIDER } from "../../config/secret_fields.ts";
import { NAME_PATTERN, parseEntryName } from "./texts.ts";

const TYPE = oneOf(KNOWN_PROVIDERS, { description: "The provider." }, UNKNOWN_PROVIDER);

/** `{ type: <provider>, …options }`. */
const BACKEND: Field<Backend> = {
  schema: {
    type: "object",
    required: ["type"],
    properties: { type: TYPE.schema },
    oneOf: KNOWN_PROVIDERS.map((name) => {
      const { properties, ...schema } = providerOptions(name).schema;
      return { ...schema, properties: { type: { const: name }, ...(isTable(properties) ? properties : {}) } };
    }),
    description: "A provider and its options, as under [providers.<name>] in .keyzero.toml. Relative paths start at " +
      "this file.",
    examples: [{ type: "aws", region: "eu-west-1" }],
  },
  read(value, at, report) {
    if (!isTable(value)) {
      report(at, wrongTypeFault("a table", value));
      return undefined;
    }
    const { type, ...rest } = value;
    if (!Object.hasOwn(value, "type")) {
      report(at, { code: "CONFIG_KEY_MISSING", state: '"type" is missing' });
      return undefined;
    }
    const provider = TYPE.read(type, [...at, "type"], report);
    if (provider === undefined) return undefined;
    const options = providerOptions(provider).read(rest, at, report);
    return options === undefined ? undefined : { provider, options };
  },
};

/** `backends`. */
export const BACKENDS: Field<ReadonlyMap<string, Backend>> = mapOf(
  parsed(parseEntryName, { description: "", pattern: NAME_PATTERN }),
  BACKEND,
  { description: "Where values live, by the name that resources call it.", examples: [{ gh: { type: "keychain" } }] },
);
