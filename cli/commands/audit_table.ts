import type { CommandSpec } from "./command.ts";

/** The commands of `kz audit`. */
export const AUDIT_COMMANDS: readonly CommandSpec[] = [];
