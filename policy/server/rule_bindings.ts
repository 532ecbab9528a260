import { type CelInput, celList, celMap } from "@bufbuild/cel";
import type { Host } from "../host.ts";
import { type Identity, IDENTITY_FIELDS } from "./identity.ts";
import type { ResourceRef } from "./resource_ref.ts";
import type { RuleBindings } from "./rule.ts";

/** What a policy decides about. */
export interface PolicyInput {
  readonly identity: Identity;
  readonly ref: ResourceRef;
  /** JSON that the caller says of itself: untrusted (TM-37). */
  readonly context: Readonly<Record<string, unknown>>;
  /**
   * The request that a `fetch` is to make; undefined for `resolve`. `request` is then an empty map, so that a rule which
   * reads `request.host` without `has(request.host)` is an error, and denies.
   */
  readonly request: { readonly host: Host; readonly method: string; readonly path: string } | undefined;
}

/** Values in one claims or context object, in all: more than any token of an identity provider has. */
const MAX_VALUES = 4_096;
/** Levels of one, itself included. */
const MAX_LEVELS = 32;
/** Length of one text or key, in UTF-16 units. */
const MAX_TEXT = 65_536;

/** Everything that a rule may read. Built once a decision; no rule can change it. */
export function bindingsOf({ identity, ref, context, request }: PolicyInput): RuleBindings {
  return Object.freeze({
    ...identityBindings(identity),
    __proto__: null,
    ref,
    context: jsonMap(context),
    request: celMap(
      new Map(
        request === undefined ? [] : [["host", request.host], ["method", request.method], ["path", request.path]],
      ),
    ),
  });
}

/**
 * The part of them that is about who calls, for rules over an identity alone.
 *
 * @throws {RangeError} where claims or groups hold more than rules can be asked about, or what is no JSON.
 */
export function identityBindings(identity: Identity): RuleBindings {
  const bindings: Record<string, CelInput> = { __proto__: null as never, issuer: identity.issuer };
  for (const field of IDENTITY_FIELDS) bindings[field] = identity[field];
  bindings.groups = new Reader().read(identity.groups, 1);
  bindings.claims = jsonMap(identity.claims);
  return Object.freeze(bindings);
}

function jsonMap(object: Readonly<Record<string, unknown>>): CelInput {
  return new Reader().read(object, 1);
}

/**
 * JSON as CEL: own keys alone, in maps that have no other; every number a `double` (`claims.n == 3` is true for 3, since
 * CEL compares numbers across types). What is no JSON is refused, and so is too much of it.
 */
class Reader {
  #left = MAX_VALUES;

  read(value: unknown, level: number): CelInput {
    if (--this.#left < 0 || level > MAX_LEVELS) throw new RangeError("More values than rules can be asked about");
    switch (typeof value) {
      case "boolean":
        return value;
      case "number":
        if (!Number.isFinite(value)) throw new RangeError("A number that JSON does not have");
        return value;
      case "string":
        return text(value);
      case "object":
        break;
      default:
        throw new RangeError("A value that JSON does not have");
    }
    if (value === null) return null;
    if (Array.isArray(value)) return celList(Array.from(value, (element) => this.read(element, level + 1)));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw new RangeError("A value that JSON does not have");
    return celMap(new Map(Object.entries(value).map(([key, inner]) => [text(key), this.read(inner, level + 1)])));
  }
}

function text(value: string): string {
  if (value.length > MAX_TEXT) throw new RangeError("A text that is longer than rules can be asked about");
  return value;
}
