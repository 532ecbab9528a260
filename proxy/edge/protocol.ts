import type { WireError } from "../../policy/error.ts";
import type { Network, Resource } from "../../policy/server/bundle.ts";
import type { Identity } from "../../policy/server/identity.ts";
import type { ResourceRef } from "../../policy/server/resource_ref.ts";
import type { RefusalCode, RefusalFacts } from "../refusal.ts";

// The edge worker of a team server: it alone holds values, makes the requests of `fetch`, and is the proxy of `--proxy`.

/** What the supervisor tells the edge worker, once. A new bundle gets a new worker, whose permissions are its hosts. */
export interface EdgeSetup {
  readonly kind: "start";
  readonly resources: readonly Resource[];
  readonly network: Network;
  /** Where the proxy listens; absent: there is none. */
  readonly proxy: ProxyListen | undefined;
  /** 32 bytes. */
  readonly serverKey: Uint8Array<ArrayBuffer>;
  /** {@linkcode FetchCommand} in, {@linkcode FetchReply} out. */
  readonly front: MessagePort;
  /** {@linkcode ValueRequest} out, nothing in but a port that carries one `ValueFromResolver`. */
  readonly vault: MessagePort;
  /** `AuditEvent` out. It is acknowledged once it is on disk, and nothing goes out before. */
  readonly audit: MessagePort;
  /** {@linkcode StateRequest} out, {@linkcode StateAnswer} in. */
  readonly state: MessagePort;
}

/** Where a proxy listens. */
export interface ProxyListen {
  /** An IP address. */
  readonly hostname: string;
  readonly port: number;
}

export type EdgeMessage =
  | EdgeSetup
  /** Let another worker have the proxy's address: take no new connection there, go on with those that are open. */
  | { readonly kind: "yield" }
  /** The other worker did not come: listen there again. */
  | { readonly kind: "resume" }
  /** Finish what has begun, then report `ended`. */
  | { readonly kind: "end" };

/** What the edge worker tells the supervisor. It never holds a value. */
export type EdgeReport =
  | {
    readonly kind: "ready";
    /** Absent without a proxy. */
    readonly proxy: { readonly port: number; readonly caPem: string } | undefined;
  }
  | { readonly kind: "failed"; readonly error: WireError }
  /** The proxy refused a request, or a client its certificate: for the operator. */
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly facts: RefusalFacts }
  /** A fetch met a fault of ours: which kinds of error, outermost first. Their texts may hold what was asked. */
  | { readonly kind: "fault"; readonly causes: readonly string[] }
  | { readonly kind: "ended" };

/** A value that is wanted of a backend. */
export interface ValueRequest {
  readonly backend: string;
  /** The backend's own ref. */
  readonly secret: string;
}

/** One request of `fetch`, which policy has allowed. The edge checks the resource's hosts, methods and paths itself. */
export interface FetchCommand {
  readonly ref: ResourceRef;
  /** Of the bundle that decided. */
  readonly resource: Resource;
  /** As `parseFetchUrl()` gives it. */
  readonly url: string;
  /** Upper case. */
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
  /** Who asked, for the audit. */
  readonly caller: Pick<Identity, "issuer" | "subject">;
  /** The policy that allowed it, for the audit. */
  readonly policy: string;
}

/** A response, with every value in it replaced. Redirects are answered as they are; the edge follows none (TM-11). */
export interface FetchReply {
  readonly status: number;
  /** Lower-case names, in the order they came, without hop-by-hop fields. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** At most the cap; decoded. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body went on beyond the cap. */
  readonly truncated: boolean;
}

/** What is asked of the state worker. */
export type StateRequest =
  | {
    readonly kind: "is-revoked";
    readonly id: string;
    readonly issuer: string;
    readonly subject: string;
    readonly issuedAt: number;
  }
  | { readonly kind: "revoke-id"; readonly id: string; readonly expiresAt: number }
  /** All tokens of a subject that were made up to now. */
  | { readonly kind: "revoke-subject"; readonly issuer: string; readonly subject: string; readonly keepUntil: number };

export type StateAnswer = { readonly revoked: boolean };
