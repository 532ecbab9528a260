import { AppError, type ErrorCode } from "../../policy/error.ts";
import type { KeyPath } from "./key_path.ts";
import { nearestName } from "./nearest.ts";

/** JSON Schema, draft 07, which every TOML editor understands. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What is wrong, without the value: the `<present state>` of an error message. */
export interface Fault {
  readonly code: ErrorCode;
  readonly state: string;
  readonly hints?: readonly string[];
}
export type Report = (at: KeyPath, fault: Fault) => void;

/** One definition of a value in a configuration file, for editors and for the loader alike. */
export interface Field<T> {
  readonly schema: JsonSchema;
  /** Checks a value of a parsed file. Every fault is reported; undefined means that there was one. */
  read(value: unknown, at: KeyPath, report: Report): T | undefined;
}

/** What editors show for a field. */
export interface Doc {
  readonly description: string;
  readonly [keyword: string]: unknown;
}

/** A string, turned into `T` by a parser of `policy`, whose error becomes the fault. */
export function parsed<T>(parse: (text: string) => T, doc: Doc): Field<T> {
  return {
    schema: { type: "string", ...doc },
    read(value, at, report) {
      if (typeof value !== "string") return wrongType("a string", value, at, report);
      try {
        return parse(value);
      } catch (error) {
        report(at, faultOf(error));
        return undefined;
      }
    },
  };
}

/**
 * One of some words; `fault` is what any other is. A wrong word is not shown, the nearest valid one is; where none is
 * near, the fault's own hints or else all words.
 */
export function oneOf<T extends string>(words: readonly T[], doc: Doc, fault: Fault): Field<T> {
  return {
    schema: { type: "string", enum: words, ...doc },
    read(value, at, report) {
      if (typeof value !== "string") return wrongType("a string", value, at, report);
      const word = words.find((known) => known === value);
      if (word !== undefined) return word;
      const near = nearestName(value, words);
      const hints = near === undefined
        ? fault.hints ?? [`Use one of: ${words.join(", ")}`]
        : [`Did you mean "${near}"?`];
      report(at, { ...fault, hints });
      return undefined;
    },
  };
}

export function flag(doc: Doc): Field<boolean> {
  return {
    schema: { type: "boolean", ...doc },
    read: (value, at, report) => typeof value === "boolean" ? value : wrongType("true or false", value, at, report),
  };
}

export function integer(range: { minimum: number; maximum: number }, doc: Doc): Field<number> {
  return {
    schema: { type: "integer", ...range, ...doc },
    read(value, at, report) {
      const inRange = typeof value === "number" && Number.isInteger(value) && value >= range.minimum &&
        value <= range.maximum;
      if (inRange) return value;
      return wrongType(`a whole number from ${range.minimum} to ${range.maximum}`, value, at, report);
    },
  };
}

/** A list; `atLeast` is how many items it needs. One bad item spoils the list, and the others are still checked. */
export function listOf<T>(item: Field<T>, doc: Doc, atLeast = 0): Field<readonly T[]> {
  return {
    schema: { type: "array", items: item.schema, ...(atLeast > 0 ? { minItems: atLeast } : {}), ...doc },
    read(value, at, report) {
      if (!Array.isArray(value)) return wrongType("a list", value, at, report);
      if (value.length < atLeast) {
        report(at, { code: "CONFIG_TYPE_INVALID", state: `at least ${atLeast} item is expected` });
        return undefined;
      }
      const items = value.map((entry, index) => item.read(entry, [...at, index], report));
      return items.some((entry) => entry === undefined) ? undefined : items.filter((entry) => entry !== undefined);
    },
  };
}

/** A list, or its only item alone. */
export function oneOrMore<T>(item: Field<T>, doc: Doc): Field<readonly T[]> {
  const list = listOf(item, doc, 1);
  return {
    schema: { anyOf: [item.schema, list.schema], ...doc },
    read(value, at, report) {
      if (Array.isArray(value)) return list.read(value, at, report);
      const only = item.read(value, at, report);
      return only === undefined ? undefined : [only];
    },
  };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
/** What a table reads as. A key that is absent or faulty is undefined. */
export type TableOf<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Field<infer T> ? T : never };

/** A table with known keys. Unknown keys are faults. */
export function table<F extends Fields>(fields: F, doc: Doc, required: readonly (keyof F & string)[] = []): Field<
  TableOf<F>
> {
  const properties = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.schema]));
  const needs = required.length > 0 ? { required } : {};
  return {
    schema: { type: "object", properties, additionalProperties: false, ...needs, ...doc },
    read(value, at, report) {
      if (!isTable(value)) return wrongType("a table", value, at, report);
      const result: Record<string, unknown> = { __proto__: null };
      for (const [key, entry] of Object.entries(value)) {
        if (!Object.hasOwn(fields, key)) report([...at, key], unknownKey(key, Object.keys(fields)));
        else result[key] = fields[key]!.read(entry, [...at, key], report);
      }
      for (const key of required) {
        if (!Object.hasOwn(value, key)) report(at, { code: "CONFIG_KEY_MISSING", state: `"${key}" is missing` });
      }
      // Each key was read by the field of the same name, which is what the type says.
      return result as TableOf<F>;
    },
  };
}

/** A table whose keys are names of the operator's choice. A pair with a faulty key or value is left out. */
export function mapOf<K, T>(key: Field<K>, item: Field<T>, doc: Doc): Field<ReadonlyMap<K, T>> {
  const { description: _, ...propertyNames } = key.schema;
  return {
    schema: { type: "object", propertyNames, additionalProperties: item.schema, ...doc },
    read(value, at, report) {
      if (!isTable(value)) return wrongType("a table", value, at, report);
      const result = new Map<K, T>();
      for (const [text, entry] of Object.entries(value)) {
        const name = key.read(text, [...at, text], report);
        const read = item.read(entry, [...at, text], report);
        if (name !== undefined && read !== undefined) result.set(name, read);
      }
      return result;
    },
  };
}

/** What is left to check where a field's parts are read. */
export interface Context {
  /** As it stands in the file: tells a key that is absent from one that is faulty. */
  readonly raw: unknown;
  readonly at: KeyPath;
  readonly report: Report;
}

/** A field whose parts are looked at together. `convert` reports what it finds and then returns undefined. */
export function converted<T, U>(field: Field<T>, convert: (read: T, context: Context) => U | undefined): Field<U> {
  return {
    schema: field.schema,
    read(value, at, report) {
      const read = field.read(value, at, report);
      return read === undefined ? undefined : convert(read, { raw: value, at, report });
    },
  };
}

/** A table of TOML or YAML: neither a list nor a date. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The fault for a key that nothing is called. The nearest valid name is a hint. */
export function unknownKey(key: string, names: readonly string[]): Fault {
  const near = nearestName(key, names);
  const all = names.length === 0 ? "No key is known here" : `The keys here are: ${names.join(", ")}`;
  const hint = near === undefined ? all : `Did you mean "${near}"?`;
  return { code: "CONFIG_KEY_UNKNOWN", state: "this key is unknown", hints: [hint] };
}

/** What a parser's error says after its own *Cannot read …*. Anything but an `AppError` is our bug and goes on. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof AppError)) throw error;
  return { code: error.code, state: error.message.replace(/^[^:]*: /, ""), hints: error.hints };
}

/** The fault of a value that is of another type than the one that is `expected`. */
export function wrongTypeFault(expected: string, value: unknown): Fault {
  const found = Array.isArray(value)
    ? "a list"
    : value instanceof Date
    ? "a date"
    : value === null
    ? "null"
    : WORD[typeof value];
  const state = found === undefined || expected.startsWith(found)
    ? `${expected} is expected`
    : `${expected} is expected, not ${found}`;
  return { code: "CONFIG_TYPE_INVALID", state };
}

function wrongType(expected: string, value: unknown, at: KeyPath, report: Report): undefined {
  report(at, wrongTypeFault(expected, value));
}

const WORD: Readonly<Record<string, string | undefined>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  object: "a table",
};
