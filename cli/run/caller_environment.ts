/** What opens our own store is not handed on, whatever is kept. */
const OURS = "KEYZERO_PASSPHRASE";

/** The caller's variables, as far as a child may have them. */
export function callerEnvironment(): Record<string, string> {
  const caller = Deno.env.toObject();
  delete caller[OURS];
  return caller;
}
