import type { Machine } from "../../providers/machine.ts";

/** @param root Absolute: the directory of `.keyzero.toml`. */
export function thisMachine(root: string): Machine {
  return { os: Deno.build.os, root, env: (name) => Deno.env.get(name) || undefined };
}
