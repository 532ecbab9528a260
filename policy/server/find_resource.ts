import type { Resource } from "./bundle.ts";
import { isGlob, literalPrefixLength, matchesRef, type ResourceRef } from "./resource_ref.ts";

/**
 * The resource that a ref stands for: the one with exactly this ref, else the glob that fits with the longest text before
 * its first `*`; of equals the first in the bundle. Undefined where none fits.
 */
export function findResource(resources: readonly Resource[], ref: ResourceRef): Resource | undefined {
  let best: Resource | undefined;
  for (const resource of resources) {
    if (!matchesRef(resource.ref, ref)) continue;
    if (!isGlob(resource.ref)) return resource;
    if (best === undefined || literalPrefixLength(resource.ref) > literalPrefixLength(best.ref)) best = resource;
  }
  return best;
}

/**
 * The backend's own ref of a resource: its `secret`, with each `{ref}` replaced by the ref that was asked for.
 *
 * What a caller can choose below a glob is what the glob leaves open, and a ref has only letters, digits, `._@:=+-` and
 * "/" between segments that are neither empty nor "." nor "..". So with a fixed text before `{ref}` the result stays below
 * that text for a backend of paths (`file`: no absolute path, no way up), and never gains a `#` (which would choose a key of
 * `dotenv`, `age`, `aws`, `hashicorp`), a `?`, a `%`, a blank or a control character. It can hold a `:`, and begin with a
 * "-" (TM-35).
 */
export function secretRefOf(resource: Resource, ref: ResourceRef): string {
  return resource.secret.replaceAll("{ref}", ref);
}
