import config from "../deno.json" with { type: "json" };

/** The named sets of `deno.json#permissions` that workers run with. */
export type WorkerName = Extract<keyof typeof config.permissions, "proxy" | `resolver-${string}` | `server-${string}`>;

const KINDS = ["env", "net", "read", "run", "sys", "write"] as const;
type Kind = typeof KINDS[number];

/** What a worker needs of its set: a list, or `true` for all that the set has. A kind that is not named is denied. */
export type Narrowing = Readonly<Partial<Record<Kind, readonly string[] | true>>>;

/** Every kind of permission, so that nothing is inherited. */
export interface WorkerPermissions extends Readonly<Record<Kind, boolean | string[]>> {
  readonly ffi: false;
  readonly import: false;
}

/**
 * Makes a worker's permissions from its named set, narrowed to what this run needs.
 *
 * @param narrowing Never widens: an entry that the set does not have is refused. An empty list denies.
 * @throws {TypeError} if the narrowing asks for more than the set has.
 */
export function workerPermissions(name: WorkerName, narrowing: Narrowing): WorkerPermissions {
  const base = new Map<string, boolean | readonly string[]>(Object.entries(config.permissions[name]));
  const narrowed = (kind: Kind): boolean | string[] => {
    const asked = narrowing[kind];
    const given = base.get(kind) ?? false;
    if (asked === undefined || (asked !== true && asked.length === 0)) return false;
    if (asked === true) return typeof given === "boolean" ? given : [...given];
    for (const entry of asked) {
      if (given !== true && (given === false || !given.includes(entry))) {
        throw new TypeError(`Cannot narrow permissions "${name}": "${kind}" would be wider than the set`);
      }
    }
    return [...new Set(asked)];
  };
  return {
    env: narrowed("env"),
    net: narrowed("net"),
    read: narrowed("read"),
    run: narrowed("run"),
    sys: narrowed("sys"),
    write: narrowed("write"),
    ffi: false,
    import: false,
  };
}
