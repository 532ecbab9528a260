import { type CelInput, celUint, isCelError, isCelList, isCelMap, isCelType, isCelUint } from "@bufbuild/cel";
import { tests as suite } from "@bufbuild/cel-spec/testdata/conformance.js";
import assert from "node:assert/strict";
import { compileCel } from "./compile_cel.ts";

// The conformance data of the CEL specification (v0.25.1), through the way that every rule takes: our check of names, our
// rewriting, our functions, our budget. What is left out is said below, by its reason.

/** Parts of the data about what rules do not have. */
const SECTIONS_LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ["bindings_ext", "the extension cel.bind is not exposed"],
  ["block_ext", "the extension cel.block is not exposed"],
  ["encoders_ext", "the extension base64 is not exposed"],
  ["enums", "enums are of protobuf messages"],
  ["macros2", "comprehensions with two variables are not exposed"],
  ["math_ext", "the extension math is not exposed"],
  ["optionals", "optional values are not exposed"],
  ["proto2", "protobuf messages"],
  ["proto2_ext", "protobuf messages"],
  ["proto3", "protobuf messages"],
  ["string_ext", "the extension strings is not exposed"],
  ["type_deductions", "types are known at evaluation only"],
  ["wrappers", "protobuf messages"],
]);

const NAMES = "a name that nothing declares is refused when a rule is compiled, also where the rest would decide";
const QUOTED = 'the library\'s grammar has no quoted field names: write map["content-type"]';
const DOTTED = "rules have no variables with a dot in their name";

/** Cases that do not behave as the data says. Each must still not behave so, or goes from this list. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ["basic/variables/unbound_is_runtime_error", NAMES],
  ["basic/functions/unbound_is_runtime_error", NAMES],
  ["fields/qualified_identifier_resolution/ident_with_longest_prefix_check", DOTTED],
  ["fields/qualified_identifier_resolution/map_field_select", DOTTED],
  [
    "fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous",
    "the library takes 0 and 0u for two keys",
  ],
  ["fields/qualified_identifier_resolution/qualified_ident", DOTTED],
  ["fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked", DOTTED],
  ...[
    "field_access_dash",
    "field_access_dot",
    "field_access_slash",
    "has_field_dash",
    "has_field_dot",
    "has_field_slash",
  ]
    .map((name) => [`fields/quoted_map_fields/${name}`, QUOTED] as const),
  ["namespace/qualified/self_eval_qualified_lookup", DOTTED],
  ...["as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "namespace"]
    .map((word) => [`parse/receiver_function_names/${word}`, NAMES] as const),
  ...["package", "return", "var", "void", "while"]
    .map((word) => [`parse/receiver_function_names/${word}`, NAMES] as const),
]);

/** What the data had when this was written, less a few: an empty walk must not pass. */
const LEAST_CASES = 1_050;
const LEAST_SECTIONS = 14;

interface Case {
  readonly id: string;
  readonly expr: string;
  readonly bindings: unknown;
  readonly expected: unknown;
  /** Any error, at compilation or evaluation. */
  readonly fails: boolean;
  readonly leftOut: string | undefined;
}

function record(value: unknown): Record<string, unknown> {
  assert.ok(typeof value === "object" && value !== null && !Array.isArray(value));
  return value as Record<string, unknown>;
}

interface Suite {
  readonly name: string;
  readonly suites?: readonly Suite[];
  readonly tests?: readonly { readonly original: Record<string, unknown> & { name?: string; expr: string } }[];
}

function* cases({ name, suites = [], tests = [] }: Suite, path: readonly string[] = []): Generator<Case> {
  const here = [...path, name];
  for (const inner of suites) yield* cases(inner, here);
  for (const { original } of tests) {
    const typed = original.typedResult === undefined ? undefined : record(original.typedResult).result;
    yield {
      id: [...here.slice(1), original.name ?? original.expr].join("/"),
      expr: original.expr,
      bindings: original.bindings ?? {},
      expected: original.value ?? typed ?? { boolValue: true },
      fails: original.evalError !== undefined,
      leftOut: SECTIONS_LEFT_OUT.get(here[1] ?? "") ?? (original.checkOnly === true ? "types" : messages(original)),
    };
  }
}

/** Cases over protobuf messages, and over names with a container of protobuf. */
function messages(original: Record<string, unknown>): string | undefined {
  if (original.container !== undefined) return "a container of protobuf names";
  const text = JSON.stringify(original);
  if (/TestAllTypes|google\.protobuf\.(?!Timestamp|Duration)|messageType|enumValue/.test(text)) {
    return "protobuf messages";
  }
  return undefined;
}

function input(value: unknown): CelInput {
  const [kind, held] = Object.entries(record(value))[0]!;
  switch (kind) {
    case "int64Value":
      return BigInt(String(held));
    case "uint64Value":
      return celUint(BigInt(String(held)));
    case "doubleValue":
      return Number(held);
    case "stringValue":
      return String(held);
    case "boolValue":
      return held === true;
    case "nullValue":
      return null;
    case "bytesValue":
      return Uint8Array.from(atob(String(held)), (c) => c.charCodeAt(0));
    case "listValue":
      return list(record(held).values).map(input);
    case "mapValue":
      return new Map(
        list(record(held).entries).map((entry) => {
          const { key, value } = record(entry);
          const made = input(key);
          assert.ok(typeof made === "string" || typeof made === "bigint" || typeof made === "boolean");
          return [made, input(value)];
        }),
      );
    default:
      throw new Error(`No variable of the kind ${kind} is known`);
  }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a value is the one that the data names, in type and value. */
function isExpected(actual: unknown, expected: unknown): boolean {
  const [kind, held] = Object.entries(record(expected))[0]!;
  switch (kind) {
    case "int64Value":
      return actual === BigInt(String(held));
    case "uint64Value":
      return isCelUint(actual) && actual.value === BigInt(String(held));
    case "doubleValue":
      return typeof actual === "number" && (actual === Number(held) || (Number.isNaN(actual) && held === "NaN"));
    case "stringValue":
    case "boolValue":
      return actual === held;
    case "nullValue":
      return actual === null;
    case "bytesValue":
      return actual instanceof Uint8Array && btoa(String.fromCharCode(...actual)) === held;
    case "typeValue":
      return isCelType(actual) && actual.name === held;
    case "listValue": {
      const values = list(record(held).values);
      return isCelList(actual) && actual.size === values.length && values.every((v, i) => isExpected(actual.get(i), v));
    }
    case "mapValue": {
      const entries = list(record(held).entries).map(record);
      return isCelMap(actual) && actual.size === entries.length && entries.every(({ key, value }) => {
        const name = input(key);
        return [...actual].some(([k, v]) => isSameKey(k, name) && isExpected(v, value));
      });
    }
    default:
      return false;
  }
}

function isSameKey(left: unknown, right: unknown): boolean {
  return isCelUint(left) && isCelUint(right) ? left.value === right.value : left === right;
}

/** Durations and times are no plain values: they are compared in the language itself. */
function withoutObjects({ expr, expected }: Case): { expr: string; expected: unknown } {
  const object = record(expected).objectValue;
  if (object === undefined) return { expr, expected };
  const { "@type": type, value } = record(object);
  const name = String(type).endsWith("Duration") ? "duration" : "timestamp";
  return { expr: `(${expr}) == ${name}(${JSON.stringify(value)})`, expected: { boolValue: true } };
}

/** Why a case does not behave as the data says; undefined where it does. */
function failure(test: Case): string | undefined {
  const names = Object.entries(record(test.bindings));
  const { expr, expected } = withoutObjects(test);
  const bindings = Object.fromEntries(names.map(([name, bound]) => [name, input(record(bound).value)]));
  const compiled = compileCel(expr, new Set(names.map(([name]) => name)));
  if ("fault" in compiled) return test.fails ? undefined : `refused: ${compiled.fault}`;
  const value = compiled.evaluate(Object.assign(Object.create(null), bindings));
  if (isCelError(value)) return test.fails ? undefined : `error: ${value.message}`;
  if (test.fails) return "no error";
  return isExpected(value, expected) ? undefined : "another value";
}

const all = [...cases(suite)];
const sections = Map.groupBy(all.filter((test) => test.leftOut === undefined), ({ id }) => id.split("/", 1)[0]!);

Deno.test("compileCel() is held to enough cases of the CEL specification [S-3.1]", () => {
  assert.ok([...sections.values()].flat().length >= LEAST_CASES);
  assert.ok(sections.size >= LEAST_SECTIONS);
  const ids = new Set(all.map(({ id }) => id));
  assert.deepEqual([...EXCEPTIONS.keys()].filter((id) => !ids.has(id)), []);
});

for (const [section, group] of sections) {
  Deno.test(`compileCel() behaves as the CEL specification's ${section} [S-3.1]`, () => {
    const unlike = group.flatMap((test) => {
      const why = failure(test);
      return (why === undefined) === EXCEPTIONS.has(test.id)
        ? [`${test.id}: ${test.expr}: ${why ?? "as expected"}`]
        : [];
    });
    assert.deepEqual(unlike, []);
  });
}
