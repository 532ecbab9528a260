/**
 * Reads the answer of server-everything's `get-env`.
 *
 * @throws {SyntaxError | TypeError} if it is not a JSON object of strings.
 */
export function parseEnvironment(text: string): ReadonlyMap<string, string> {
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== "object" || answer === null) throw new TypeError("Cannot read environment: not an object");
  return new Map(
    Object.entries(answer).map(([name, value]) => {
      if (typeof value !== "string") throw new TypeError("Cannot read environment: a value is not a string");
      return [name, value];
    }),
  );
}

/** Lines that show every variable; variables with one value share a line. */
export function environmentLines(variables: Iterable<readonly [string, string]>): string[] {
  const namesByValue = new Map<string, string[]>();
  for (const [name, value] of variables) {
    const names = namesByValue.get(value);
    if (names === undefined) namesByValue.set(value, [name]);
    else names.push(name);
  }
  return Array.from(namesByValue, ([value, names]) => `${names.join(" ")} = ${value === "" ? "(empty)" : value}`);
}
