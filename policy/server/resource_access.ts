import { fitsRequest } from "../connection_rule.ts";
import { isGranted } from "../host_pattern.ts";
import type { Host } from "../host.ts";
import type { Resource } from "./bundle.ts";

/** A request over TLS, as a resource's restrictions look at it. */
export interface AccessTarget {
  readonly host: Host;
  readonly port: number;
  /** Upper case. */
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
}

/** What of a resource says where its value may go. */
export type Restrictions = Pick<Resource, "hosts" | "methods" | "paths">;

/** The port of https, which a host without one means. */
const DEFAULT_PORT = 443;

/**
 * Whether a resource's value may go out with a request. All of `hosts`, `methods` and `paths` have to fit; no hosts: none.
 *
 * A path that a server may read in two ways fits none, where paths are looked at at all (TM-19).
 */
export function mayAccess({ hosts, methods, paths }: Restrictions, target: AccessTarget): boolean {
  return isGranted(hosts, { ...target, defaultPort: DEFAULT_PORT }) && fitsRequest({ methods, paths }, target);
}

/** Whether more than the host is looked at, so that no header may ask for another method or path. */
export function looksAtRequests({ hosts, methods, paths }: Restrictions): boolean {
  return methods !== undefined || paths !== undefined || hosts.some(({ pathPrefix }) => pathPrefix !== undefined);
}

/**
 * Whether the grant that fits names this very host, which is what lets a private address through; a wildcard does not,
 * since whoever owns one name below it could point that anywhere (TM-12).
 */
export function namesHost({ hosts }: Restrictions, target: AccessTarget): boolean {
  return hosts.some((grant) =>
    grant.pattern.kind === "exact" && isGranted([grant], { ...target, defaultPort: DEFAULT_PORT })
  );
}
