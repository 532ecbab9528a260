/** Puts emphasis on text, or leaves it as it is. Nothing is ever told by colour alone. */
export interface Style {
  error(text: string): string;
  strong(text: string): string;
  dim(text: string): string;
}

const PLAIN: Style = { error: String, strong: String, dim: String };

const COLOURED: Style = {
  error: (text) => `\x1b[1;31m${text}\x1b[0m`,
  strong: (text) => `\x1b[1m${text}\x1b[0m`,
  dim: (text) => `\x1b[2m${text}\x1b[0m`,
};

/**
 * The style for a stream.
 *
 * @see https://no-color.org: any `NO_COLOR` that is not empty turns colour off.
 */
export function styleFor(stream: { isTerminal(): boolean }, getEnv: (name: string) => string | undefined): Style {
  const plain = !stream.isTerminal() || Boolean(getEnv("NO_COLOR")) || getEnv("TERM") === "dumb";
  return plain ? PLAIN : COLOURED;
}
