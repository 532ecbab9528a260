import type { Bundle, Issuer, Policy } from "./bundle.ts";
import { IDENTITY_FIELDS } from "./identity.ts";
import { literalText, patternsOverlap } from "./patterns_overlap.ts";
import { isGlob, parseRefPattern, type RefPattern } from "./resource_ref.ts";
import { Rule } from "./rule.ts";
import { IDENTITY_VARIABLES, resultsOf } from "./rule_environment.ts";
import {
  type Assume,
  atomsOf,
  FAILS,
  FALSE,
  outcomesOf,
  requires,
  type TextTest,
  textTestOf,
  TRUE,
  variablesOf,
} from "./rule_logic.ts";
import { asCall, asIdent, type Expr, nodes } from "./rule_syntax.ts";

/** Something that a policy allows, denies or never does, and that is seldom meant. */
export interface PolicyWarning {
  readonly policy: string;
  /** In the bundle's list, from 0. */
  readonly index: number;
  /** One sentence, which says what to do. Holds names of the bundle alone and nothing of a rule. */
  readonly text: string;
}

/** Issuers that give a token to whoever has an account there: only what it says of its holder tells ours from others. */
const PUBLIC_TYPES: ReadonlySet<Issuer["type"]> = new Set(["github-actions", "gcp", "aws"]);
/** What tells one holder from another there; a branch or an environment has the name that its owner gave it. */
const HOLDER: ReadonlySet<string> = new Set(["org", "service", "actor", "groups", "claims"]);
const IDENTITY: ReadonlySet<string> = new Set(Object.keys(IDENTITY_VARIABLES));

/**
 * What the operator should look at again in the policies of a bundle, in their order.
 *
 * It takes rules for formulas of `&&`, `||`, `!` and `?:` and knows what their simple parts say, so that it can miss
 * something. It is no check: what it says nothing of may be wrong.
 *
 * @throws {AppError} `BUNDLE_RULE_INVALID`
 */
export function policyWarnings(bundle: Pick<Bundle, "policies" | "issuers" | "resources">): readonly PolicyWarning[] {
  const { policies, issuers, resources } = bundle;
  const knowledge = new Knowledge(issuers, resources);
  const texts = new Map<string, string>();
  const found: PolicyWarning[] = [];
  /** The policy after which no other is asked. */
  let last: string | undefined;
  for (const [index, policy] of policies.entries()) {
    const { expr } = Rule.compile(policy.rule);
    const say = (text: string) => found.push({ policy: policy.name, index, text });
    const shape = shapeOf(expr);
    const earlier = last ?? texts.get(shape);
    const dead = earlier === undefined
      ? knowledge.whyNever(expr)
      : `it is never reached, since policy "${earlier}" decides before it: move it up or remove it`;
    texts.set(shape, texts.get(shape) ?? policy.name);
    if (dead !== undefined) say(dead);
    else for (const text of [...knowledge.deadParts(expr), ...meaningOf(policy, expr, issuers)]) say(text);
    const outcomes = outcomesOf(expr);
    if (outcomes === TRUE || outcomes === FAILS || !givesBoolean(expr)) last ??= policy.name;
  }
  return found;
}

/** The syntax without its places: equal for rules that differ in blanks alone. */
function shapeOf(expr: Expr): string {
  return JSON.stringify(expr, (key, value: unknown) => {
    if (key === "id" || key === "$typeName") return undefined;
    return typeof value === "bigint" ? `${value}n` : value;
  });
}

/** What the rest of the bundle says of the literals in a rule. */
class Knowledge {
  readonly #issuers: readonly Issuer[];
  /** `begins`: what every ref that fits begins with, which tells most apart at once. */
  readonly #refs: readonly { readonly ref: RefPattern; readonly begins: string }[];
  /** Of texts and globs: whether a resource fits. A long list of policies names few. */
  readonly #fits = new Map<string, boolean>();

  constructor(issuers: readonly Issuer[], resources: Bundle["resources"]) {
    this.#issuers = issuers;
    this.#refs = resources.map(({ ref }) => ({ ref, begins: literalText(ref) }));
  }

  /** Why a rule that is reached is never true. */
  whyNever(expr: Expr): string | undefined {
    const outcomes = outcomesOf(expr);
    if (outcomes === FAILS || !givesBoolean(expr)) {
      return "it fails or gives no boolean whatever is asked, and so denies all that reaches it: correct it";
    }
    if ((outcomes & TRUE) === 0) return "it is never true: correct or remove it";
    for (const [isDead, why] of this.#tests()) {
      if ((outcomesOf(expr, without(isDead)) & TRUE) === 0) return `it is never true, since ${why}`;
    }
    return undefined;
  }

  /** What is never true in a rule that can be. */
  *deadParts(expr: Expr): Generator<string> {
    const tests = atomsOf(expr).map(textTestOf).filter((test) => test !== undefined);
    for (const [isDead, why] of this.#tests()) {
      if (tests.some(isDead)) yield `a part of it is never true, since ${why}`;
    }
  }

  #tests(): readonly (readonly [isDead: (test: TextTest) => boolean, why: string])[] {
    return [
      [(test) => this.#namesNoIssuer(test), "no issuer of the bundle has that name: correct it, or add the issuer"],
      [(test) => this.#fitsNoResource(test), "no resource of the bundle fits its ref: correct it, or add the resource"],
      [
        (test) => this.#isUnmapped(test),
        "no issuer of the bundle maps that field: add it to the map of the issuer, or ask for a claim",
      ],
    ];
  }

  #namesNoIssuer(test: TextTest): boolean {
    return test.name === "issuer" && !this.#issuers.some(({ name }) => allows(test, name));
  }

  #isUnmapped(test: TextTest): boolean {
    const field = IDENTITY_FIELDS.find((known) => known === test.name);
    if (field === undefined || this.#issuers.some(({ map }) => map.has(field))) return false;
    // The field is the empty text for everybody.
    return !allows(test, "");
  }

  #fitsNoResource(test: TextTest): boolean {
    if (test.name !== "ref") return false;
    // No ref that is asked for holds a star: whoever compares with one meant glob().
    if (test.kind === "one-of") return !test.texts.some((text) => !text.includes("*") && this.#hasFitting(text));
    if (test.kind === "glob") return !this.#hasFitting(test.text);
    return !this.#refs.some(({ ref, begins }) =>
      begins.startsWith(test.text) || (isGlob(ref) && test.text.startsWith(begins))
    );
  }

  #hasFitting(text: string): boolean {
    const known = this.#fits.get(text) ?? this.#findFitting(text);
    this.#fits.set(text, known);
    return known;
  }

  #findFitting(text: string): boolean {
    let wanted: RefPattern;
    try {
      wanted = parseRefPattern(text);
    } catch {
      return false;
    }
    const begins = literalText(wanted);
    return this.#refs.some((other) =>
      (begins.startsWith(other.begins) || other.begins.startsWith(begins)) && patternsOverlap(wanted, other.ref)
    );
  }
}

/** Takes the atoms that cannot be true for false. */
function without(isDead: (test: TextTest) => boolean): Assume {
  return (atom) => {
    const test = textTestOf(atom);
    return test !== undefined && isDead(test) ? FALSE : undefined;
  };
}

function allows(test: TextTest, text: string): boolean {
  if (test.kind === "one-of") return test.texts.includes(text);
  return test.kind !== "prefix" || text.startsWith(test.text);
}

/** Whether a rule can give a boolean, as far as its outermost part tells. */
function givesBoolean(expr: Expr): boolean {
  const { exprKind } = expr;
  if (exprKind.case === "callExpr") return resultsOf(exprKind.value.function).has("bool");
  if (exprKind.case === "constExpr") return exprKind.value.constantKind.case === "boolValue";
  return exprKind.case !== "identExpr" && exprKind.case !== "listExpr" && exprKind.case !== "structExpr";
}

/** What a rule that can decide says, and may not be meant to. */
function* meaningOf({ effect }: Policy, expr: Expr, issuers: readonly Issuer[]): Generator<string> {
  const outcomes = outcomesOf(expr);
  const reads = variablesOf(expr);
  if (outcomes === TRUE) {
    if (effect === "allow") {
      yield "it allows every caller everything that reaches it: ask for a service, group or claim, and for a ref";
    }
    return;
  }
  if (effect === "allow") yield* trust(expr, { reads, issuers });
  else if (reads.has("context") && (outcomesOf(expr, contextIs(FALSE)) & TRUE) === 0) {
    yield "it denies by what the caller says of itself (context), who can say something else: deny by the identity";
  }
  if (!reads.has("request")) return;
  const onResolve = outcomesOf(expr, requestIsAbsent);
  if (onResolve & FAILS) {
    yield "it reads request, which resolve does not have, and so denies resolve: ask has(request.host) first";
  } else if (effect === "deny") {
    yield "a token of resolve is used without asking it again: limit the resource by hosts, methods and paths as well";
  }
}

function* trust(
  expr: Expr,
  { reads, issuers }: { reads: ReadonlySet<string>; issuers: readonly Issuer[] },
): Generator<string> {
  if (!requires(expr, true, { decides: reader(IDENTITY) })) {
    yield reads.has("context")
      ? "it allows by what the caller says of itself (context): ask for a service, group or claim as well"
      : "it allows every caller of every issuer: ask for a service, group or claim";
    return;
  }
  for (const { name, type } of issuers) {
    if (!PUBLIC_TYPES.has(type)) continue;
    const assume: Assume = (atom) => {
      const test = textTestOf(atom);
      return test?.name !== "issuer" ? undefined : allows(test, name) ? TRUE : FALSE;
    };
    if (requires(expr, true, { decides: reader(HOLDER), assume })) continue;
    yield `everybody with an account at the issuer "${name}" can meet it: ask for an org, service, actor, group or claim`;
    return;
  }
}

/** Atoms that read one of some variables, and nothing that the caller chooses. */
function reader(names: ReadonlySet<string>): (atom: Expr) => boolean {
  return (atom) => {
    const reads = variablesOf(atom);
    return !reads.has("context") && [...reads].some((name) => names.has(name));
  };
}

function contextIs(outcome: number): Assume {
  return (atom) => variablesOf(atom).has("context") ? outcome : undefined;
}

/** `request` is an empty map for resolve: `has()` is false, and reading a field of it fails. */
const requestIsAbsent: Assume = (atom) => {
  if (!variablesOf(atom).has("request")) return undefined;
  const tested = new Set<Expr>();
  let reads = false;
  for (const { expr } of nodes(atom)) {
    if (isTest(expr)) tested.add(expr);
    else if (isField(expr)) reads = true;
  }
  if (tested.has(atom)) return FALSE;
  return reads && tested.size === 0 ? FAILS : undefined;
};

function isTest({ exprKind }: Expr): boolean {
  return exprKind.case === "selectExpr" && exprKind.value.testOnly && asIdent(exprKind.value.operand) === "request";
}

function isField(expr: Expr): boolean {
  const { exprKind } = expr;
  if (exprKind.case === "selectExpr") return asIdent(exprKind.value.operand) === "request";
  return asIdent(asCall(expr, "_[_]")?.args[0]) === "request";
}
