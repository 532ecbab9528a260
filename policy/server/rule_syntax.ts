import type { parse } from "@bufbuild/cel";

// The syntax tree of a rule, as @bufbuild/cel parses it: what the rest of the rule code needs to walk and rewrite it.

type Parsed = ReturnType<typeof parse>;

/** One node of a rule. */
export type Expr = NonNullable<Parsed["expr"]>;
type Kind<C extends NonNullable<Expr["exprKind"]["case"]>> = Extract<Expr["exprKind"], { case: C }>["value"];
export type Call = Kind<"callExpr">;
export type Comprehension = Kind<"comprehensionExpr">;
type Constant = Kind<"constExpr">["constantKind"];

/** A node beside the names that comprehensions bind there. */
export interface Scoped {
  readonly expr: Expr;
  readonly bound: ReadonlySet<string>;
}

/** A node made by us in place of another: same id, so that it keeps its place in the source. */
export function replaced(expr: Expr, exprKind: Expr["exprKind"]): Expr {
  return { $typeName: "cel.expr.Expr", id: expr.id, exprKind };
}

export function callOf(expr: Expr, name: string, args: Expr[]): Expr {
  return replaced(expr, { case: "callExpr", value: { $typeName: "cel.expr.Expr.Call", function: name, args } });
}

export function textOf(expr: Expr, value: string): Expr {
  const constantKind: Constant = { case: "stringValue", value };
  return replaced(expr, { case: "constExpr", value: { $typeName: "cel.expr.Constant", constantKind } });
}

/** The call that a node is; the target of a method is no argument. */
export function asCall(expr: Expr | undefined, name?: string): Call | undefined {
  if (expr?.exprKind.case !== "callExpr") return undefined;
  return name === undefined || expr.exprKind.value.function === name ? expr.exprKind.value : undefined;
}

/** The name that a node is, also of a variable of a comprehension. */
export function asIdent(expr: Expr | undefined): string | undefined {
  return expr?.exprKind.case === "identExpr" ? expr.exprKind.value.name : undefined;
}

/** The text that a node is, where it is a literal. */
export function asText(expr: Expr | undefined): string | undefined {
  const constant = asConstant(expr);
  return constant?.case === "stringValue" ? constant.value : undefined;
}

/** The literal that a node is. */
export function asConstant(expr: Expr | undefined): Constant | undefined {
  return expr?.exprKind.case === "constExpr" ? expr.exprKind.value.constantKind : undefined;
}

/** What a node is made of, with the names bound there. Empty for names and literals. */
export function parts({ expr, bound }: Scoped): Scoped[] {
  const kind = expr.exprKind;
  const here = (found: Expr | undefined): Scoped[] => found === undefined ? [] : [{ expr: found, bound }];
  switch (kind.case) {
    case "callExpr":
      return [...here(kind.value.target), ...kind.value.args.flatMap(here)];
    case "selectExpr":
      return here(kind.value.operand);
    case "listExpr":
      return kind.value.elements.flatMap(here);
    case "structExpr":
      return kind.value.entries.flatMap((entry) => [
        ...(entry.keyKind.case === "mapKey" ? here(entry.keyKind.value) : []),
        ...here(entry.value),
      ]);
    case "comprehensionExpr": {
      const { iterVar, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
      const inside = new Set([...bound, iterVar, accuVar]);
      const there = (found: Expr | undefined): Scoped[] => found === undefined ? [] : [{ expr: found, bound: inside }];
      return [...here(iterRange), ...here(accuInit), ...there(loopCondition), ...there(loopStep), ...there(result)];
    }
    default:
      return [];
  }
}

/** The same node with its parts changed. */
export function withParts(expr: Expr, change: (part: Expr) => Expr): Expr {
  const kind = expr.exprKind;
  const maybe = (part: Expr | undefined) => part === undefined ? undefined : change(part);
  switch (kind.case) {
    case "callExpr": {
      const target = maybe(kind.value.target);
      const value = { ...kind.value, args: kind.value.args.map(change), ...(target === undefined ? {} : { target }) };
      return replaced(expr, { case: kind.case, value });
    }
    case "selectExpr": {
      const operand = maybe(kind.value.operand);
      return replaced(expr, {
        case: kind.case,
        value: { ...kind.value, ...(operand === undefined ? {} : { operand }) },
      });
    }
    case "listExpr":
      return replaced(expr, { case: kind.case, value: { ...kind.value, elements: kind.value.elements.map(change) } });
    case "structExpr": {
      const entries = kind.value.entries.map((entry) => {
        const value = maybe(entry.value);
        const keyKind = entry.keyKind.case === "mapKey"
          ? { case: "mapKey" as const, value: change(entry.keyKind.value) }
          : entry.keyKind;
        return { ...entry, keyKind, ...(value === undefined ? {} : { value }) };
      });
      return replaced(expr, { case: kind.case, value: { ...kind.value, entries } });
    }
    case "comprehensionExpr": {
      const value = { ...kind.value };
      for (const part of ["iterRange", "accuInit", "loopCondition", "loopStep", "result"] as const) {
        const found = value[part];
        if (found !== undefined) value[part] = change(found);
      }
      return replaced(expr, { case: kind.case, value });
    }
    default:
      return expr;
  }
}

/** Every node, the whole first. Walks with a list of its own, so that no depth of a rule ends it. */
export function* nodes(expr: Expr): Generator<Scoped & { readonly depth: number }> {
  const open: (Scoped & { depth: number })[] = [{ expr, bound: new Set<string>(), depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    const depth = next.depth + 1;
    open.push(...parts(next).map((part) => ({ ...part, depth })));
  }
}
