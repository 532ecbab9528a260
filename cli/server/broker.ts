import type { Denial } from "../../policy/server/denial.ts";
import type { ResourceRef } from "../../policy/server/resource_ref.ts";

// What the server does for a caller, whichever way it was asked: HTTP and MCP are two doors of one broker.

/** The one interface behind HTTP and MCP. Every method verifies the JWT, decides by policy and audits before it answers. */
export interface Broker {
  /**
   * Decides each ref by itself; a mixed batch is answered as one.
   *
   * @throws {Denial} where the request as a whole is denied: its JWT, its form, load.
   */
  resolve(request: ResolveRequest): Promise<ReadonlyMap<string, ResolveResult>>;
  /** @throws {Denial} */
  fetch(request: FetchRequest): Promise<FetchResult>;
  /** @throws {Denial} */
  revoke(request: RevokeRequest): Promise<void>;
  /** For `GET /v1/ca.pem`: absent without a proxy. */
  readonly proxyCa: string | undefined;
}

export interface ResolveRequest {
  /** Compact JWS; undefined: none was given. */
  readonly jwt: string | undefined;
  /** As the caller wrote them: 1 to 100, each once. */
  readonly refs: readonly string[];
  /** Untrusted facts of the caller, for policies (TM-37). */
  readonly context: Readonly<Record<string, unknown>>;
  /** MCP never gets a value, whatever the mode: a direct resource is answered with a token. */
  readonly masksAlways: boolean;
}

/** Keyed by the ref as the caller wrote it. */
export type ResolveResult =
  | { readonly allowed: false; readonly policy: string; readonly denial: Denial }
  | {
    readonly allowed: true;
    readonly ref: ResourceRef;
    readonly policy: string;
    readonly mode: "masked";
    /** `KZ_TOK_…` */
    readonly token: string;
    readonly tokenId: string;
    /** Milliseconds since the epoch. */
    readonly expiresAt: number;
    /** A proxy URL with the caller's own credentials; undefined where the server has no proxy. */
    readonly proxy: string | undefined;
  }
  | {
    readonly allowed: true;
    readonly ref: ResourceRef;
    readonly policy: string;
    readonly mode: "direct";
    /** UTF-8 text. */
    readonly value: string;
    readonly expiresAt: number;
  };

export interface FetchRequest {
  readonly jwt: string | undefined;
  readonly resource: string;
  /** Must be the resource's resolver, if it is given. */
  readonly resolver: string | undefined;
  readonly url: string;
  /** Default GET. */
  readonly method: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly context: Readonly<Record<string, unknown>>;
}

export interface FetchResult {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: FetchedBody;
  /** What a caller should know: that the body was cut, that a redirect was not followed. Fixed texts of ours. */
  readonly notes: readonly string[];
}

export type FetchedBody =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "base64"; readonly base64: string; readonly mediaType: string };

export interface RevokeRequest {
  readonly jwt: string | undefined;
  /** A token's id, or every token of a subject so far. The caller's own need no permission. */
  readonly target:
    | { readonly kind: "id"; readonly id: string; readonly expiresAt: number | undefined }
    | { readonly kind: "subject"; readonly issuer: string; readonly subject: string };
}
