import type { HostGrant } from "../host_pattern.ts";
import type { Host } from "../host.ts";
import type { CredentialLocation } from "./credential_location.ts";
import type { IdentityField } from "./identity.ts";
import type { RedisAddress } from "./redis_address.ts";
import type { RefPattern } from "./resource_ref.ts";

// The bundle of a team server, checked: plain data, which crosses from the supervisor to its workers as it is.

/** All that a server decides by. Made once for each reading of its file; nothing in it changes. */
export interface Bundle {
  readonly issuers: readonly Issuer[];
  /** In order: the first that matches decides; none: denied by `default-deny`. */
  readonly policies: readonly Policy[];
  readonly resources: readonly Resource[];
  /** By name. */
  readonly backends: ReadonlyMap<string, Backend>;
  readonly network: Network;
  readonly state: StateSettings;
  /** CEL over the caller's identity: who may revoke the tokens of others. Absent: nobody. */
  readonly revokers: string | undefined;
}

export const ISSUER_TYPES = ["github-actions", "kubernetes", "gcp", "aws", "custom"] as const;
export type IssuerType = typeof ISSUER_TYPES[number];

/** The only algorithms that are accepted (RFC 7518 §3.1, RFC 8037): `none` is not one. */
export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "EdDSA",
  "HS256",
  "HS384",
  "HS512",
] as const;
export type Algorithm = typeof ALGORITHMS[number];

/** Who signs JWTs that the server believes. */
export interface Issuer {
  readonly name: string;
  readonly type: IssuerType;
  /** Equal to the claim `iss`, character for character. */
  readonly issuerUrl: string;
  /** One of these must be in `aud`; undefined only where the bundle says `audience: null`. */
  readonly audiences: readonly string[] | undefined;
  /** Identity fields by the path of a claim, for example `["claims", "service_name"]` without the leading `claims`. */
  readonly map: ReadonlyMap<IdentityField | "groups", readonly string[]>;
  readonly keys: IssuerKeys;
}

export type IssuerKeys =
  | {
    readonly kind: "jwks";
    /** https; http only to loopback and with `allowPrivate`. */
    readonly url: string;
    /** The bundle says that the address may be private. */
    readonly allowPrivate: boolean;
    /** Which algorithms its keys may be used with: asymmetric ones only. */
    readonly algorithms: readonly Algorithm[];
  }
  | { readonly kind: "static"; readonly keys: readonly StaticKey[] };

/** A key that stands in the bundle. It is used with its own algorithm and no other. */
export interface StaticKey {
  readonly kid: string | undefined;
  readonly alg: Algorithm;
  /** A public key in PEM (SPKI), a public JWK, or for HS the secret's bytes, which were read from a file. */
  readonly material:
    | { readonly kind: "pem"; readonly pem: string }
    | { readonly kind: "jwk"; readonly jwk: Readonly<Record<string, unknown>> }
    | { readonly kind: "secret"; readonly bytes: Uint8Array };
}

export interface Policy {
  /** Unique in the bundle. */
  readonly name: string;
  readonly effect: "allow" | "deny";
  /** CEL. */
  readonly rule: string;
}

export interface Resource {
  readonly ref: RefPattern;
  /** The name of a backend. */
  readonly resolver: string;
  /** The backend's own ref; `{ref}` in it stands for the ref that was asked for. */
  readonly secret: string;
  readonly mode: "masked" | "direct";
  /** Life of a token, and how long a value is held before it is read again. */
  readonly ttlSeconds: number;
  readonly location: CredentialLocation;
  /** The only places that the value may go to; an empty list: none. */
  readonly hosts: readonly HostGrant[];
  /** Upper case; absent: every method. */
  readonly methods: readonly string[] | undefined;
  /** Exact paths, or prefixes that end in `*`; absent: every path. */
  readonly paths: readonly string[] | undefined;
}

/** Where values live: a provider with its options, as in `[providers.<name>]`. */
export interface Backend {
  readonly provider: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface Network {
  /** Dials another address for a name: the operator's word, so that no address rule applies. */
  readonly connect: ReadonlyMap<Host, { readonly hostname: string; readonly port: number }>;
  /** Roots besides the usual ones, PEM. */
  readonly upstreamCa: readonly string[];
}

/** Where revocations are kept: all that several replicas share. */
export type StateSettings =
  /** Each process its own, which it forgets when it ends: for one replica. */
  | { readonly kind: "memory" }
  | {
    readonly kind: "redis";
    readonly address: RedisAddress;
    /** Where its password is kept; a bundle never holds it. Absent: there is none. */
    readonly password: StatePassword | undefined;
  };

/** A password that a backend holds. */
export interface StatePassword {
  /** The name of a backend. */
  readonly backend: string;
  /** The backend's own ref. */
  readonly secret: string;
}
