/** A command line for a POSIX shell. */
export function sh(script: string): string[] {
  return ["sh", "-c", script];
}
