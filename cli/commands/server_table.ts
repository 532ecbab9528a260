import type { CommandSpec } from "./command.ts";

/** The commands of `kz server`. */
export const SERVER_COMMANDS: readonly CommandSpec[] = [];
