import { AppError } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";
import { parseResourceRef } from "../policy/server/resource_ref.ts";
import { SERVER_PROXY_REF } from "../policy/server/server_proxy.ts";
import type { Machine } from "./machine.ts";
import type { ProviderOptions } from "./options.ts";
import { absolutePath } from "./path_ref.ts";
import type { PermissionSet } from "./permission_set.ts";

/** Https, or http on this machine: a JWT goes there. */
export const SERVER_URL_PATTERN = "https://(?:[A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?/?|" +
  "http://(?:localhost|127\\.0\\.0\\.1|\\[::1\\])(?::[0-9]{1,5})?/?";

/** Where the options come from that no table and no command names. */
const VARIABLES = { url: "KEYZERO_SERVER_URL", jwt_file: "KEYZERO_JWT_FILE" } as const;

/** Fills in what the environment names, and makes paths absolute. */
export function prepareKeyzero(options: ProviderOptions, machine: Machine): ProviderOptions {
  const named = machine.env(VARIABLES.url);
  const known = named !== undefined && new RegExp(`^(?:${SERVER_URL_PATTERN})$`).test(named) ? named : undefined;
  const url = options.url ?? known;
  const jwtFile = options.jwt_file ?? machine.env(VARIABLES.jwt_file);
  return {
    ...(url === undefined ? {} : { url }),
    ...(jwtFile === undefined ? {} : { jwt_file: absolutePath(jwtFile, machine) }),
    ...(options.ca === undefined ? {} : { ca: absolutePath(options.ca, machine) }),
  };
}

/** The server alone, and the two files. */
export function keyzeroPermissions({ url, jwt_file: jwtFile, ca }: ProviderOptions): PermissionSet {
  return {
    ...(url === undefined ? {} : { net: [hostAndPort(url)] }),
    read: [jwtFile, ca].filter((path) => path !== undefined),
  };
}

function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

/** @throws {AppError} `CONFIG_REF_INVALID`; the message never holds `ref`. */
export function parseKeyzeroRef(ref: SecretRef): SecretRef {
  if (ref === SERVER_PROXY_REF) return ref;
  try {
    parseResourceRef(ref);
    return ref;
  } catch (cause) {
    throw new AppError(
      "CONFIG_REF_INVALID",
      'Cannot read reference of provider "keyzero": a resource ref is expected',
      {
        cause,
        hints: ['Write it as the server\'s bundle does, for example "github/pat"'],
      },
    );
  }
}
