import { AppError } from "../../policy/error.ts";
import { parseSecretName, type SecretName } from "../../policy/secret_name.ts";

/** Text and the secrets in it, in order. At least one secret; no empty text. */
export type Composition = readonly (string | { readonly secret: SecretName })[];

/**
 * Reads the text of a composed secret: `${NAME}` stands for a secret, `$${` for `${` itself.
 *
 * @throws {AppError} `CONFIG_COMPOSITION_INVALID`; the message never holds `text`. Text that names no secret is refused
 * too, since it may be a value that was pasted where it does not belong.
 */
export function parseComposition(text: string): Composition {
  const parts: (string | { secret: SecretName })[] = [];
  let literal = "";
  for (let at = 0; at < text.length;) {
    if (text.startsWith("$${", at)) {
      literal += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = text.indexOf("}", at);
      const name = end < 0 ? undefined : nameOrUndefined(text.slice(at + 2, end));
      if (name === undefined) {
        throw invalid('the name of a secret and "}" are expected after "${"', 'Write "$${" for the text "${" itself');
      }
      if (literal !== "") parts.push(literal);
      parts.push({ secret: name });
      literal = "";
      at = end + 1;
    } else literal += text[at++];
  }
  if (literal !== "") parts.push(literal);
  if (!parts.some((part) => typeof part === "object")) {
    throw invalid(
      'text that names no secret as "${NAME}" would be a value, and this file holds none',
      'Store the value with "kz put", and write here where it is: { provider = "keychain", ref = "item-name" }',
    );
  }
  return parts;
}

function nameOrUndefined(text: string): SecretName | undefined {
  try {
    return parseSecretName(text);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function invalid(state: string, hint: string): AppError {
  return new AppError("CONFIG_COMPOSITION_INVALID", `Cannot read composed secret: ${state}`, { hints: [hint] });
}

/** The secrets that a composition names, each once. */
export function namesIn(composition: Composition): readonly SecretName[] {
  return [...new Set(composition.flatMap((part) => typeof part === "object" ? [part.secret] : []))];
}

/**
 * Finds secrets that are composed of themselves.
 *
 * @param compositions Names that are not in it are not composed, and end the search.
 * @returns Each cycle once, as the names on the way, beginning with the one that comes first in `compositions`.
 */
export function findCycles(compositions: ReadonlyMap<SecretName, Composition>): readonly (readonly SecretName[])[] {
  const cycles: SecretName[][] = [];
  const done = new Set<SecretName>();
  for (const start of compositions.keys()) {
    if (done.has(start)) continue;
    // A stack of its own and not the call stack: a chain may be as long as the file.
    const way: { name: SecretName; open: SecretName[] }[] = [];
    const depths = new Map<SecretName, number>();
    const enter = (name: SecretName) => {
      depths.set(name, way.length);
      way.push({ name, open: [...namesIn(compositions.get(name) ?? [])] });
    };
    for (enter(start); way.length > 0;) {
      const next = way.at(-1)!.open.shift();
      if (next === undefined) {
        const { name } = way.pop()!;
        depths.delete(name);
        done.add(name);
        continue;
      }
      const depth = depths.get(next);
      if (depth !== undefined) cycles.push(way.slice(depth).map(({ name }) => name));
      else if (!done.has(next)) enter(next);
    }
  }
  return cycles;
}
