import type { SinkAddress } from "../audit/sink_address.ts";
import type { FrontListen } from "../front/protocol.ts";
import type { ListenAddress } from "./listen_address.ts";

/** `kz server start`, as the command line says it. Paths are absolute. */
export interface ServerOptions {
  readonly bundle: string;
  /** Absent: MCP on the standard streams alone. */
  readonly listen: FrontListen | undefined;
  readonly mcp: boolean;
  readonly allowedHosts: readonly string[];
  readonly proxy: ListenAddress | undefined;
  /** How callers reach the proxy; absent: by the address that it listens on. */
  readonly proxyUrl: string | undefined;
  readonly audit: SinkAddress;
  readonly jwtFile: string | undefined;
}
