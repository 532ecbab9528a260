import type { Backend, Bundle } from "../../../policy/server/bundle.ts";
import { Denial } from "../../../policy/server/denial.ts";
import type { AppError } from "../../../policy/error.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import { EDGE_LIMITS } from "../../../proxy/edge/edge_limits.ts";
import type { ValueRequest } from "../../../proxy/edge/protocol.ts";
import { Slots } from "../../../proxy/edge/slots.ts";
import { answerCalls } from "../../../proxy/port_calls.ts";
import { resolveAll } from "../../resolve/resolve_all.ts";

/** What the vault of one bundle reads by. */
export interface VaultSettings {
  readonly backends: ReadonlyMap<string, Backend>;
  /** Where relative paths start: the bundle's directory. */
  readonly root: string;
  /** Told of every value that could not be read. */
  onFailure(error: AppError): void;
}

/**
 * The backends that the front worker may have values of: those of resources in direct mode. It is what strangers talk to,
 * and all other values are the edge's.
 */
export function directBackends({ resources, backends }: Pick<Bundle, "resources" | "backends">): Map<string, Backend> {
  const direct = new Set(resources.filter(({ mode }) => mode === "direct").map(({ resolver }) => resolver));
  return new Map([...backends].filter(([name]) => direct.has(name)));
}

/**
 * Answers a worker that wants values. Each is read by a resolver worker of its own, with the permissions for that one ref;
 * it comes on a port that is handed on and not read here. So many at one time for each backend: below a glob a caller may
 * name ever new values (TM-38).
 */
export function openVault(port: MessagePort, { backends, root, onFailure }: VaultSettings): Disposable {
  const limits = { running: EDGE_LIMITS.readingValues, waiting: EDGE_LIMITS.waitingValues };
  const slots = new Map(Array.from(backends.keys(), (name) => [name, new Slots(limits)]));
  return answerCalls<ValueRequest, null>(port, async ({ backend: name, secret }, ports) => {
    const backend = backends.get(name);
    if (backend === undefined) throw new Denial("SECRET_UNAVAILABLE");
    const { provider, options } = backend;
    const asked = performance.now();
    using _ = await slots.get(name)?.enter();
    // Nobody waits for it any more.
    if (performance.now() - asked > EDGE_LIMITS.valueTimeoutMs) throw new Denial("SECRET_UNAVAILABLE");
    const wanted = { id: secret, provider, ref: parseSecretRef(secret), options };
    const outcome = await resolveAll([wanted], new Map(), { root });
    for (const { error } of outcome.failed) onFailure(error);
    const valuePort = outcome.valuePorts[0];
    if (valuePort === undefined) {
      outcome[Symbol.dispose]();
      throw new Denial("SECRET_UNAVAILABLE");
    }
    // Not disposed: the port is the other side's now, and closing our half would end it there too.
    ports.push(valuePort);
    return null;
  });
}
