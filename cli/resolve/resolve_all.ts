import { AppError, fromWireError } from "../../policy/error.ts";
import type { SecretRef } from "../../policy/secret_ref.ts";
import type { Machine } from "../../providers/machine.ts";
import { providerError } from "../../providers/provider_error.ts";
import { getProvider, type ProviderEntry } from "../../providers/registry.ts";
import { Resolver } from "./resolver.ts";
import { thisMachine } from "./this_machine.ts";

/** How long all providers together may take: a keychain may be asking its user, a cloud may retry. */
export const RESOLVE_TIMEOUT_MS = 30_000;

/** A secret to resolve. `id` is the caller's key, unique in one call. */
export interface WantedSecret {
  readonly id: string;
  readonly provider: string;
  readonly ref: SecretRef;
  /** The provider's options for this secret; absent: those of its table. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Why one secret was not found. `ref` as it was asked for. */
export interface FailedSecret extends WantedSecret {
  readonly error: AppError;
}

/** What became of all secrets. Its ports close with the scope, unless they were handed on before. */
export interface ResolveOutcome extends Disposable {
  /** The ids whose values are on the ports. */
  readonly found: readonly string[];
  readonly failed: readonly FailedSecret[];
  /** How long a value is good, in milliseconds by id, where its backend says so. */
  readonly lives: ReadonlyMap<string, number>;
  /** One for each provider that found something; they carry `ValueMessage`s. May be handed on to another worker. */
  readonly valuePorts: readonly MessagePort[];
}

/** The options of each `[providers.<name>]` table by name; a provider with no table has none. */
export type ProviderTables = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

export interface ResolveOptions {
  readonly signal?: AbortSignal;
  /** Default {@linkcode RESOLVE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Where relative paths start; absolute. */
  readonly root: string;
}

/**
 * Resolves secrets, each provider in a worker of its own and all at once. The values do not pass through this isolate
 * unless `collectValues()` is called.
 *
 * @returns Every success and every failure; a failure throws nothing.
 * @throws The signal's reason once it has fired.
 */
export async function resolveAll(
  secrets: readonly WantedSecret[],
  providers: ProviderTables,
  { signal = new AbortController().signal, timeoutMs = RESOLVE_TIMEOUT_MS, root }: ResolveOptions,
): Promise<ResolveOutcome> {
  const context: Context = { machine: thisMachine(root), timeoutMs, signal };
  const optionsOf = ({ provider, options }: WantedSecret) => options ?? providers.get(provider) ?? {};
  // A worker serves one provider with one set of options.
  const groups = Map.groupBy(secrets, (secret) => JSON.stringify([secret.provider, sorted(optionsOf(secret))]));
  const settled = await Promise.allSettled(
    Array.from(groups.values(), (wanted) => {
      const [first] = wanted;
      return resolveGroup({ name: first!.provider, wanted, options: optionsOf(first!) }, context);
    }),
  );
  using opened = new DisposableStack();
  const outcomes: GroupOutcome[] = [];
  for (const group of settled) {
    if (group.status === "rejected") continue;
    outcomes.push(group.value);
    for (const port of group.value.ports) opened.adopt(port, (open) => open.close());
  }
  // Only the signal or a bug makes a group reject; the scope closes what the others opened.
  for (const group of settled) if (group.status === "rejected") throw group.reason;
  const scope = opened.move();
  return {
    found: outcomes.flatMap(({ found }) => found),
    failed: outcomes.flatMap(({ failed }) => failed),
    lives: new Map(outcomes.flatMap(({ lives }) => [...lives])),
    valuePorts: outcomes.flatMap(({ ports }) => ports),
    [Symbol.dispose]: () => scope.dispose(),
  };
}

function sorted(options: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(options).sort(([a], [b]) => a < b ? -1 : 1);
}

/** The secrets of one provider, with its options. */
interface Group {
  readonly name: string;
  readonly wanted: readonly WantedSecret[];
  readonly options: Readonly<Record<string, unknown>>;
}

interface GroupOutcome {
  readonly found: readonly string[];
  readonly failed: readonly FailedSecret[];
  readonly lives: ReadonlyMap<string, number>;
  /** One, or none if nothing was found. */
  readonly ports: readonly MessagePort[];
}

interface Context {
  readonly machine: Machine;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function resolveGroup({ name, wanted, options }: Group, context: Context): Promise<GroupOutcome> {
  const { machine, timeoutMs, signal } = context;
  using scope = new DisposableStack();
  const channel = new MessageChannel();
  const receive = scope.adopt(channel.port1, (port) => port.close());
  let isHandedOn = false;
  // Not once it has been handed on: where Node's worker_threads are loaded, as in a bundle, that closes its other end.
  using _values = { [Symbol.dispose]: () => isHandedOn || channel.port2.close() };
  const errors = new Map<string, AppError>();
  let found: readonly string[] = [];
  let lives: ReadonlyMap<string, number> = new Map();
  try {
    const entry = getProvider(name);
    const parsed = parseRefs(entry, wanted, { machine, errors });
    if (parsed.length > 0) {
      const refs = parsed.map(({ ref }) => ref);
      using resolver = new Resolver({ entry, options, refs, action: "resolve", machine });
      const values = channel.port2;
      isHandedOn = !signal.aborted;
      const reply = await resolver.ask(
        { kind: "resolve", provider: resolver.setup, secrets: parsed, timeoutMs, values },
        { transfer: [values], signal },
      );
      if (reply?.kind === "failed") throw fromWireError(reply.error);
      if (reply?.kind !== "resolved") {
        throw providerError({ code: "PROVIDER_TIMEOUT", provider: name }, noAnswer(timeoutMs));
      }
      for (const { id, error } of reply.failed) errors.set(id, fromWireError(error));
      found = reply.found;
      lives = reply.lives;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
    for (const { id } of wanted) if (!errors.has(id)) errors.set(id, error);
  }
  const ports = found.length > 0 ? [receive] : [];
  if (ports.length > 0) scope.move();
  return { found, lives, ports, failed: wanted.flatMap((secret) => failureOf(secret, errors.get(secret.id))) };
}

/** A reference that its provider cannot read fails alone: its error goes into `errors`. */
function parseRefs(
  entry: ProviderEntry,
  wanted: readonly WantedSecret[],
  { machine, errors }: { machine: Machine; errors: Map<string, AppError> },
): { id: string; ref: SecretRef }[] {
  return wanted.flatMap(({ id, ref }) => {
    try {
      return [{ id, ref: entry.parseRef(ref, machine) }];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      errors.set(id, error);
      return [];
    }
  });
}

function failureOf(secret: WantedSecret, error: AppError | undefined): FailedSecret[] {
  const { id, provider, ref } = secret;
  return error === undefined ? [] : [{ id, provider, ref, error }];
}

function noAnswer(timeoutMs: number): string {
  return `there was no answer within ${timeoutMs / 1000} s`;
}
