import type { ConnectionRule } from "../policy/connection_rule.ts";
import type { WireError } from "../policy/error.ts";
import type { HostGrant } from "../policy/host_pattern.ts";
import type { Host } from "../policy/host.ts";
import type { Mask } from "../policy/mask.ts";
import type { MaskedToken } from "../policy/masked_token.ts";
import type { Placement } from "../policy/placement.ts";
import type { SecretName } from "../policy/secret_name.ts";
import type { SecretRef } from "../policy/secret_ref.ts";
import type { RefusalCode, RefusalFacts } from "./refusal.ts";

/** A secret of the run, without its value. */
export interface ProxySecret {
  readonly name: SecretName;
  readonly ref: SecretRef;
  readonly token: MaskedToken;
  readonly hosts: readonly HostGrant[] | undefined;
  readonly in: readonly Placement[];
  readonly mask: Mask;
  /** Fields in which hosts give credentials out that are got with it; absent: the usual ones; empty: none. */
  readonly mints?: readonly string[] | undefined;
  /** Where those may go; absent: where the secret may. */
  readonly mintedHosts?: readonly HostGrant[] | undefined;
}

/** What the supervisor tells the proxy worker: its setup once, and then values that were read anew. */
export type SupervisorMessage =
  | ({ readonly kind: "start" } & ProxySetup)
  /** The port carries at most one {@linkcode ValueFromResolver} for each secret. */
  | { readonly kind: "renew"; readonly valuePort: MessagePort };

/** A run's setup. */
export interface ProxySetup {
  readonly secrets: readonly ProxySecret[];
  /** Where each value comes from: one {@linkcode ValueFromResolver} for each of `secrets`, over all ports. */
  readonly valuePorts: readonly MessagePort[];
  /** Whether the way to a team server's proxy comes among the values, under the id `SERVER_PROXY_REF`. */
  readonly serverProxy: boolean;
  readonly rules: readonly ConnectionRule[] | undefined;
  readonly connect: ReadonlyMap<Host, { readonly hostname: string; readonly port: number }>;
  /** PEM. */
  readonly upstreamCa: readonly string[];
  /** Whether this worker may reach any address, or the names of the rules only. */
  readonly anyAddress: boolean;
  /** What the child would get of the caller, to be searched for values. */
  readonly variables: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** What a resolver worker sends; the bytes are UTF-8. */
export interface ValueFromResolver {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What the proxy worker tells the supervisor. It never holds a value. */
export type ProxyMessage =
  | {
    readonly kind: "ready";
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly caPem: string;
    /** What the child sees of each secret. */
    readonly masked: ReadonlyMap<SecretName, string>;
    /** Variables of the caller that hold a value. */
    readonly revealing: readonly string[];
    /** Whether an argument holds a value. */
    readonly revealingArgs: boolean;
    /** Secrets that are too short to be searched for in responses. */
    readonly unscrubbed: readonly SecretName[];
  }
  | { readonly kind: "failed"; readonly error: WireError }
  /** A host answered 401 to a request with these secrets; or the server's proxy refused our pass. */
  | { readonly kind: "unauthorized"; readonly secrets: ReadonlySet<string> }
  /** A host gave a credential out, in a field, to a request with a secret; the program got a token for it. */
  | { readonly kind: "minted"; readonly secret: SecretName; readonly field: string; readonly host: Host }
  /** A secret has another value than before. */
  | { readonly kind: "renewed"; readonly secret: string }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly facts: RefusalFacts };
