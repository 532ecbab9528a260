import { GIT } from "./git.ts";
import { GRPC } from "./grpc.ts";
import type { ListedClient } from "./listed_client.ts";
import { REGISTRIES } from "./registries.ts";
import { RUNTIMES } from "./runtimes.ts";
import { TOOLS } from "./tools.ts";

/** Every client that is driven: each is a test, and a row of docs/clients.md. */
export const CLIENTS: readonly ListedClient[] = [...TOOLS, ...GIT, ...RUNTIMES, ...REGISTRIES, ...GRPC];
