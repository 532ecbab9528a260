import { parseHost } from "../../host.ts";
import type { Resource } from "../bundle.ts";
import { DEFAULT_LOCATION } from "../credential_location.ts";
import type { Identity } from "../identity.ts";
import { parseRefPattern, parseResourceRef } from "../resource_ref.ts";
import type { PolicyInput } from "../rule_bindings.ts";

// What the tests of policies ask about.

export const IDENTITY: Identity = {
  issuer: "gh",
  subject: "repo:acme/shop:ref:refs/heads/main",
  org: "acme",
  service: "agent",
  env: "prod",
  action: "deploy",
  branch: "main",
  actor: "alice",
  groups: ["dev", "ops"],
  claims: { repository: "acme/shop", run: 3, nothing: null, list: [1, "two", { three: true }], big: 9007199254740991 },
};

/** A `resolve` of `github/pat` by {@linkcode IDENTITY}, and what is said in `parts`. */
export function policyInput(parts: Partial<Omit<PolicyInput, "ref">> & { ref?: string } = {}): PolicyInput {
  return {
    identity: IDENTITY,
    context: { reason: "test" },
    request: undefined,
    ...parts,
    ref: parseResourceRef(parts.ref ?? "github/pat"),
  };
}

/** `GET https://api.github.com/repos` */
export const REQUEST = { host: parseHost("api.github.com"), method: "GET", path: "/repos" };

export function resource(ref: string, parts: Partial<Resource> = {}): Resource {
  return {
    resolver: "vault",
    secret: "{ref}",
    mode: "masked",
    ttlSeconds: 300,
    location: DEFAULT_LOCATION,
    hosts: [],
    methods: undefined,
    paths: undefined,
    ...parts,
    ref: parseRefPattern(ref),
  };
}
