/** A kind of Deno permission. `ffi` and `import` are absent on purpose: nothing here may have them. */
export type PermissionKind = "env" | "net" | "read" | "run" | "sys" | "write";

/** What a worker may do. A kind that is not named is denied. */
export type PermissionSet = Readonly<Partial<Record<PermissionKind, readonly string[]>>>;
