import type { Issuer, IssuerType } from "./bundle.ts";

/**
 * Which claims say who a caller is, where an issuer's `map` does not. Only claims that the issuer fills from what it knows
 * stand here, none that is free text of whoever asks for a token.
 */
export const DEFAULT_MAPS: Readonly<Record<IssuerType, Issuer["map"]>> = {
  // https://docs.github.com/en/actions/reference/security/oidc: "The OIDC token includes the following claims". The
  // action is the event that started the run: `workflow` is a name that any file in the repository can give itself.
  "github-actions": new Map([
    ["org", ["repository_owner"]],
    ["service", ["repository"]],
    ["env", ["environment"]],
    ["action", ["event_name"]],
    ["branch", ["ref"]],
    ["actor", ["actor"]],
  ]),
  // https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/: the private claims of bound service
  // account tokens, as projected into pods.
  "kubernetes": new Map([
    ["org", ["kubernetes.io", "namespace"]],
    ["service", ["kubernetes.io", "serviceaccount", "name"]],
  ]),
  // https://cloud.google.com/compute/docs/instances/verifying-instance-identity: the payload of `format=full`. Without it
  // there is only the service account.
  "gcp": new Map([
    ["org", ["google", "compute_engine", "project_id"]],
    ["service", ["google", "compute_engine", "instance_name"]],
    ["actor", ["email"]],
  ]),
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html: tokens of
  // `sts:GetWebIdentityToken`, the ones that AWS makes for services outside of it. `sub` is the ARN of the role or user.
  // Tokens of EKS are Kubernetes' own; those of Cognito hold what an application put there, and need a `map`.
  "aws": new Map([
    ["org", ["https://sts.amazonaws.com/", "aws_account"]],
    ["actor", ["sub"]],
  ]),
  "custom": new Map(),
};
