import { join } from "node:path";
import { homeOf, type Machine } from "./machine.ts";
import type { ProviderOptions } from "./options.ts";
import type { PermissionSet } from "./permission_set.ts";

/** A region's name, such as `us-gov-west-1`. */
export const REGION_PATTERN = "[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}";

/** Names that the SDK reads; a name that ends in `*` is a prefix. */
const SDK_ENV = ["AWS_*", "HOME", "USERPROFILE", "HOMEPATH", "HOMEDRIVE", "_X_AMZN_TRACE_ID", "NODE_EXTRA_CA_CERTS"];
/** What the SDK asks of the system for its user agent. */
const SDK_SYS = ["osRelease", "homedir"];
/** Where containers and instances hand out credentials: EC2 (also IPv6), ECS, EKS. Published, link-local addresses. */
const METADATA_HOSTS = ["169.254.169.254:80", "[fd00:ec2::254]:80", "169.254.170.2:80", "169.254.170.23:80"];

/** Fills in the region that the environment names. */
export function prepareAws(options: ProviderOptions, machine: Machine): ProviderOptions {
  const region = options.region ?? machine.env("AWS_REGION") ?? machine.env("AWS_DEFAULT_REGION");
  const known = region !== undefined && new RegExp(`^${REGION_PATTERN}$`).test(region);
  return known ? { ...options, region } : options;
}

/**
 * What the SDK needs: the services' endpoints of the region, or the override alone; where credentials come from.
 *
 * With a region that only `~/.aws/config` names, every host of AWS itself is allowed.
 */
export function awsPermissions(options: ProviderOptions, machine: Machine): PermissionSet {
  const home = homeOf(machine);
  const files = [
    ...(home === undefined ? [] : [join(home, ".aws")]),
    ...[
      "AWS_CONFIG_FILE",
      "AWS_SHARED_CREDENTIALS_FILE",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CA_BUNDLE",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ]
      .map((name) => machine.env(name)).filter((path) => path !== undefined),
  ];
  return { net: [...serviceHosts(options), ...credentialHosts(options)], read: files, env: SDK_ENV, sys: SDK_SYS };
}

function serviceHosts({ region, endpoint }: ProviderOptions): string[] {
  if (endpoint !== undefined) return [hostAndPort(endpoint)];
  return regional(["secretsmanager", "ssm"], region);
}

function credentialHosts({ region, endpoint }: ProviderOptions): string[] {
  // Behind an endpoint of one's own nothing else at AWS is reached, but for signing in through it.
  return [...(endpoint === undefined ? regional(["sts", "portal.sso", "oidc"], region) : []), ...METADATA_HOSTS];
}

function regional(services: readonly string[], region: string | undefined): string[] {
  if (region === undefined) return ["*.amazonaws.com:443", "*.amazonaws.com.cn:443"];
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return services.map((service) => `${service}.${region}.${domain}:443`);
}

/** @throws {TypeError} if the endpoint was not checked. */
function hostAndPort(endpoint: string): string {
  const url = new URL(endpoint);
  return `${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
}
