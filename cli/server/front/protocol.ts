import type { WireError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";

// The front worker of a team server: what callers talk to. It verifies, decides and seals; it reaches no network itself.

/** Where the server listens, and with which certificate. */
export interface FrontListen {
  /** An IP address. */
  readonly hostname: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** What a bundle brings with it: workers of its own, whose permissions are its hosts. */
export interface FrontGeneration {
  readonly bundle: Bundle;
  /** `FetchCommand` out, `FetchReply` in. */
  readonly edge: MessagePort;
  /** `{ url }` out, the text of a JWKS in. */
  readonly jwks: MessagePort;
  /** `ValueRequest` out: for `mode: direct` alone. */
  readonly vault: MessagePort;
  /** `StateRequest` out, `StateAnswer` in. */
  readonly state: MessagePort;
  /** The proxy of `--proxy`. */
  readonly proxy: FrontProxy | undefined;
}

export interface FrontProxy {
  /** As callers reach it, without credentials: `http://host:port`. */
  readonly url: string;
  readonly caPem: string;
}

export interface FrontSetup extends FrontGeneration {
  readonly kind: "start";
  /** 32 bytes. */
  readonly serverKey: Uint8Array<ArrayBuffer>;
  /** Absent: MCP on the standard streams alone. */
  readonly listen: FrontListen | undefined;
  /** Serves MCP at `/mcp`, where it listens. */
  readonly mcp: boolean;
  /** Names that a `Host` header may have on `/mcp`, besides those of this machine. */
  readonly allowedHosts: readonly string[];
  /** Lines of JSON-RPC in and out: MCP on the standard streams. */
  readonly stdio: MessagePort | undefined;
  /** `null` out, the text of `--jwt-file` in. */
  readonly jwtFile: MessagePort | undefined;
  /** `AuditEvent` out, acknowledged once it is written. */
  readonly audit: MessagePort;
}

export type FrontMessage =
  | FrontSetup
  /** Every request that comes from now on is decided by this. */
  | ({ readonly kind: "renew" } & FrontGeneration)
  /** Finish what has begun, then say `ended`. */
  | { readonly kind: "end"; readonly graceMs: number };

export type FrontReport =
  | { readonly kind: "ready"; readonly port: number | undefined }
  | { readonly kind: "renewed" }
  | { readonly kind: "failed"; readonly error: WireError }
  /** A request met a fault of ours: of which kinds of error, outermost first. Their texts may hold what was asked. */
  | { readonly kind: "fault"; readonly causes: readonly string[] }
  | { readonly kind: "ended" };
