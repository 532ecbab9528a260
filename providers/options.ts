import { AppError } from "../policy/error.ts";

/** A provider's options, checked. Every option is text. */
export type ProviderOptions = Readonly<Record<string, string>>;

/** One option as JSON Schema (draft 2020-12) describes it; also what {@linkcode parseOptions} checks by. */
export interface OptionSchema {
  readonly type: "string";
  readonly description: string;
  readonly enum?: readonly string[];
  /** An expression for the whole value. */
  readonly pattern?: string;
  readonly examples?: readonly string[];
}

/** The `[providers.<name>]` table as JSON Schema. */
export interface OptionsSchema {
  readonly type: "object";
  readonly additionalProperties: false;
  readonly properties: Readonly<Record<string, OptionSchema>>;
}

/**
 * Checks a `[providers.<name>]` table. Its own result passes again unchanged.
 *
 * @throws {AppError} `CONFIG_KEY_UNKNOWN` or `CONFIG_TYPE_INVALID` for a value that is not what the option takes. The message
 * names known keys only and never a value.
 */
export function parseOptions(
  provider: string,
  schema: OptionsSchema,
  raw: Readonly<Record<string, unknown>>,
): ProviderOptions {
  const known = Object.keys(schema.properties);
  const options: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) {
    const option = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (option === undefined) {
      throw new AppError("CONFIG_KEY_UNKNOWN", `Cannot read options of provider "${provider}": a key is not known`, {
        hints: [known.length === 0 ? "This provider takes no options" : `Known keys: ${known.join(", ")}`],
      });
    }
    if (typeof value !== "string" || !fits(option, value)) {
      const example = option.examples?.[0] ?? option.enum?.join('", "');
      throw new AppError(
        "CONFIG_TYPE_INVALID",
        `Cannot read option "${key}" of provider "${provider}": the value is not what this option takes`,
        { hints: [`${option.description}${example === undefined ? "" : `; for example "${example}"`}`] },
      );
    }
    options[key] = value;
  }
  return options;
}

function fits(option: OptionSchema, value: string): boolean {
  // deno-lint-ignore no-control-regex
  if (value === "" || value.length > 1024 || /[\u0000-\u001f\u007f]/.test(value)) return false;
  if (option.enum !== undefined && !option.enum.includes(value)) return false;
  return option.pattern === undefined || new RegExp(`^(?:${option.pattern})$`, "u").test(value);
}
