/**
 * Rules of this repository for `deno lint`. What each holds, and why, is said at the rule.
 *
 * The default export is what `deno lint` asks of a plugin; it is the only one in the repository.
 */

/** Each brand, with the one file that may cast to it: the one of its `parse…()` or `make…()`. */
export const BRANDS: ReadonlyMap<string, string> = new Map([
  ["Host", "policy/host.ts"],
  ["MaskedToken", "policy/masked_token.ts"],
  ["RefPattern", "policy/server/resource_ref.ts"],
  ["ResourceRef", "policy/server/resource_ref.ts"],
  ["SecretName", "policy/secret_name.ts"],
  ["SecretRef", "policy/secret_ref.ts"],
]);

/** Two and an options object. */
const MAX_PARAMETERS = 3;

/** Names that read the clock, do I/O or draw random numbers: what `policy` is handed and never takes. */
const IMPURE = new Set(["Deno", "console", "fetch", "performance", "crypto", "process", "setTimeout", "setInterval"]);

const CONTRACTION_REGEXP = /n't\b|\b(?:it|that|there)'s\b|'(?:re|ve|ll|d)\b/i;

const plugin: Deno.lint.Plugin = {
  name: "kz",
  rules: {
    /** *Cannot <verb> <thing>: <present state>*, no final full stop, no contraction. */
    "error-message": {
      create(context) {
        return {
          NewExpression(node) {
            if (node.callee.type !== "Identifier" || node.callee.name !== "AppError") return;
            const message = node.arguments[1];
            if (message === undefined) return;
            for (const text of staticTexts(message)) {
              const fault = messageFault(text);
              if (fault !== undefined) context.report({ node: message, message: `An error message ${fault}` });
            }
          },
        };
      },
    },

    /** A brand is cast in one place, beside its check; a cast elsewhere skips the check. */
    "brand-cast": {
      create(context) {
        return {
          TSAsExpression: (node) => check(node.typeAnnotation, node),
          TSTypeAssertion: (node) => check(node.typeAnnotation, node),
        };
        function check(type: Deno.lint.Node, node: Deno.lint.Node): void {
          if (type.type !== "TSTypeReference" || type.typeName.type !== "Identifier") return;
          const home = BRANDS.get(type.typeName.name);
          if (home === undefined || filePath(context).endsWith(`/${home}`)) return;
          context.report({ node, message: `Only ${home} may cast to ${type.typeName.name}: call its function` });
        }
      },
    },

    /** `#` is private at run time as well, in snapshots, spreads and inspection. */
    "no-private": {
      create(context) {
        const check = (node: Deno.lint.PropertyDefinition | Deno.lint.MethodDefinition) => {
          // There is no "#constructor".
          if (node.type === "MethodDefinition" && node.kind === "constructor") return;
          if (node.accessibility === "private") {
            context.report({ node, message: 'Write "#name" and not "private name"' });
          }
        };
        return {
          PropertyDefinition: check,
          MethodDefinition: check,
          // The linter does not say which modifier a parameter has; a field that is written out reads the same.
          TSParameterProperty(node) {
            context.report({ node, message: "Declare the field in the class and not in a parameter" });
          },
        };
      },
    },

    /** More than two arguments and options cannot be told apart where they are passed. */
    "max-params": {
      create(context) {
        return {
          "ExportNamedDeclaration > FunctionDeclaration"(node: Deno.lint.FunctionDeclaration) {
            if (node.params.length > MAX_PARAMETERS) {
              context.report({
                node,
                message: "An exported function takes two arguments and an options object at most",
              });
            }
          },
        };
      },
    },

    /** Everything that is exported has one name, which can be searched for. */
    "named-exports": {
      create(context) {
        return {
          ExportDefaultDeclaration(node) {
            if (filePath(context).endsWith("/scripts/lint_plugin.ts")) return;
            context.report({ node, message: "Export by name" });
          },
          ExportAllDeclaration(node) {
            context.report({ node, message: "Re-export each name by itself" });
          },
        };
      },
    },

    /** A worker without a named set of permissions has all those of its parent. */
    "worker-permissions": {
      create(context) {
        if (isTest(context)) return {};
        let imported = false;
        return {
          ImportDeclaration(node) {
            if (/(?:^|\/)permissions\.ts$/.test(node.source.value)) imported = true;
          },
          NewExpression(node) {
            if (node.callee.type !== "Identifier" || node.callee.name !== "Worker") return;
            const deno = property(node.arguments[1], "deno");
            const permissions = property(deno, "permissions");
            const named = permissions !== undefined && permissions.type !== "Literal" &&
              permissions.type !== "ObjectExpression";
            if (imported && named) return;
            context.report({ node, message: "A worker takes a permission set of cli/permissions.ts" });
          },
        };
      },
    },

    /** `policy` is handed the time, the environment and random bytes, so that its tests need none. */
    "pure-policy": {
      create(context) {
        if (!folder(context, "policy") || isTest(context)) return {};
        return {
          MemberExpression(node) {
            if (node.object.type !== "Identifier") return;
            const random = node.object.name === "Math" && node.property.type === "Identifier" &&
              node.property.name === "random";
            const clock = node.object.name === "Date";
            if (IMPURE.has(node.object.name) || random || clock) report(node);
          },
          CallExpression(node) {
            if (node.callee.type === "Identifier" && IMPURE.has(node.callee.name)) report(node);
          },
          NewExpression(node) {
            if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
              report(node);
            }
          },
        };
        function report(node: Deno.lint.Node): void {
          context.report({ node, message: "policy does no I/O and reads no clock: pass it in" });
        }
      },
    },

    /** What the operator sees is written in one layer. */
    "no-console": {
      create(context) {
        if (!["policy", "providers", "proxy"].some((name) => folder(context, name)) || isTest(context)) return {};
        return {
          MemberExpression(node) {
            if (node.object.type === "Identifier" && node.object.name === "console") {
              context.report({ node, message: "Only cli writes to the terminal" });
            }
          },
        };
      },
    },
  },
};

export default plugin;

/** What is wrong with a message; an interpolation is the character U+FFFC. */
function messageFault(text: string): string | undefined {
  if (!text.startsWith("Cannot ")) return 'begins with "Cannot " and a verb';
  if (!text.includes(": ")) return 'reads "Cannot <verb> <thing>: <present state>"';
  if (/[.!]$/.test(text)) return "has no full stop at its end";
  if (CONTRACTION_REGEXP.test(text)) return "has no contraction";
  return undefined;
}

/** The texts that an expression may give, as far as they are written out; none where that is not known. */
function staticTexts(node: Deno.lint.Node): string[] {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? [node.value] : [];
    case "TemplateLiteral":
      return [node.quasis.map((quasi) => quasi.cooked).join("\uFFFC")];
    case "ConditionalExpression":
      return [...staticTexts(node.consequent), ...staticTexts(node.alternate)];
    case "BinaryExpression": {
      const [left, right] = [staticTexts(node.left), staticTexts(node.right)];
      const orAny = (texts: string[]) => texts.length === 0 ? ["\uFFFC"] : texts;
      if (node.operator !== "+" || (left.length === 0 && right.length === 0)) return [];
      return orAny(left).flatMap((head) => orAny(right).map((tail) => head + tail));
    }
    default:
      return [];
  }
}

/** The value of `name` in an object literal. */
function property(node: Deno.lint.Node | undefined, name: string): Deno.lint.Node | undefined {
  if (node?.type !== "ObjectExpression") return undefined;
  for (const entry of node.properties) {
    if (entry.type === "Property" && entry.key.type === "Identifier" && entry.key.name === name) return entry.value;
  }
  return undefined;
}

function filePath(context: Deno.lint.RuleContext): string {
  return context.filename.replaceAll("\\", "/");
}

function folder(context: Deno.lint.RuleContext, name: string): boolean {
  return filePath(context).includes(`/${name}/`);
}

function isTest(context: Deno.lint.RuleContext): boolean {
  return /_test\.ts$/.test(context.filename);
}
