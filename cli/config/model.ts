import type { ConnectionRule } from "../../policy/connection_rule.ts";
import type { HostGrant } from "../../policy/host_pattern.ts";
import type { Host } from "../../policy/host.ts";
import type { Mask } from "../../policy/mask.ts";
import type { Placement } from "../../policy/placement.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import type { SecretRef } from "../../policy/secret_ref.ts";
import type { TokenShape } from "../../policy/token_shape.ts";

/** Where in a file a declaration stands, for messages. */
export interface Origin {
  /** As it is shown: relative to the working directory, or from the home directory. */
  readonly file: string;
  /** From 1; absent if it cannot be told. */
  readonly line: number | undefined;
}

/** A secret that a provider holds. */
export interface ProvidedSecret {
  readonly kind: "provided";
  readonly name: SecretName;
  readonly provider: string;
  readonly ref: SecretRef;
  /** The provider's options for this secret: its own over those of `[providers.<name>]`. */
  readonly options: Readonly<Record<string, string>>;
  /** Where it may go, by its own word or its service's; absent: wherever the connection rules allow; empty: nowhere. */
  readonly hosts: readonly HostGrant[] | undefined;
  /** Where in a request it may stand; never empty. */
  readonly in: readonly Placement[];
  /** A miss leaves the variable unset. */
  readonly optional: boolean;
  /** False: only for use in composed secrets, not in the child's environment. */
  readonly expose: boolean;
  readonly mask: Mask;
  /** What its token looks like; absent: `kz_masked_…`. */
  readonly shape: TokenShape | undefined;
  /** Fields in which hosts give credentials out that are got with it; absent: the usual ones; empty: none. */
  readonly mints: readonly string[] | undefined;
  /** Where those may go; absent: where the secret may. */
  readonly mintedHosts: readonly HostGrant[] | undefined;
  /** How often its value is read again in a blind run, in milliseconds; absent: never. */
  readonly refreshMs: number | undefined;
  /** Where it is declared; found when asked, since only an error message wants it. */
  readonly origin: () => Promise<Origin>;
}

/** A secret made of text and other secrets, `"postgres://admin:${DB_PASSWORD}@db/app"`. Acyclic; every name is known. */
export interface ComposedSecret {
  readonly kind: "composed";
  readonly name: SecretName;
  readonly parts: readonly (string | { readonly secret: SecretName })[];
  readonly origin: () => Promise<Origin>;
}

export type SecretDeclaration = ProvidedSecret | ComposedSecret;

/** `[blind]`. */
export interface BlindSettings {
  /** Absent: every public host is allowed. Empty or without a match: denied. */
  readonly connections: readonly ConnectionRule[] | undefined;
  /** Names or `PREFIX_*` of caller's variables that the child keeps. */
  readonly keepEnv: readonly string[];
  /** Name to address and port that is dialled in its stead; `hostname` without the brackets of an IPv6 address. */
  readonly connect: ReadonlyMap<Host, { readonly hostname: string; readonly port: number }>;
  /** PEM files with trusted roots besides the usual ones; absolute paths. */
  readonly upstreamCa: readonly string[];
}

/** What the configuration files say for one environment, checked and merged. */
export interface KzConfig {
  /** The files that were read, in the order in which they override, last wins. */
  readonly files: readonly string[];
  /** The directory of `.keyzero.toml`; relative paths in it start here. */
  readonly root: string;
  readonly environment: string | undefined;
  readonly secrets: ReadonlyMap<SecretName, SecretDeclaration>;
  /** Options of each `[providers.<name>]`, checked by that provider's own rules; also of providers with no table. */
  readonly providers: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly blind: BlindSettings;
}
