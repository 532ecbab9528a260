import type { CommandSpec } from "./command.ts";

/** The commands of `kz jwt`. */
export const JWT_COMMANDS: readonly CommandSpec[] = [];
