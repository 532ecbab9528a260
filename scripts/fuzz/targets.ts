import type { FuzzTarget } from "./fuzz_target.ts";
import { auditLines } from "./targets/audit_lines.ts";
import { clientHello } from "./targets/client_hello.ts";
import { configuration } from "./targets/configuration.ts";
import { disguisedToken } from "./targets/disguised_token.ts";
import { edgeSwap } from "./targets/edge_swap.ts";
import { addresses, hosts } from "./targets/hosts.ts";
import { http2Frames, http2HeaderBlocks } from "./targets/http2.ts";
import { chunks, httpRequest, httpResponse } from "./targets/http_messages.ts";
import { maskedUrl } from "./targets/masked_url.ts";
import { scrubbedStream } from "./targets/scrubbed_stream.ts";
import { bundles } from "./targets/server_bundle.ts";
import { strictJson } from "./targets/server_json.ts";
import { jwt } from "./targets/server_jwt.ts";
import { fetchUrls, resourceRefs } from "./targets/server_names.ts";
import { rules } from "./targets/server_rules.ts";
import { sealedTokens } from "./targets/server_tokens.ts";
import { swapBodies, swapHeaders, swapTargets } from "./targets/swap_requests.ts";
import { webSocketFrames } from "./targets/websocket_frames.ts";

/** Everything that is fuzzed. */
export const TARGETS: readonly FuzzTarget[] = [
  httpRequest,
  httpResponse,
  chunks,
  swapTargets,
  swapHeaders,
  swapBodies,
  disguisedToken,
  scrubbedStream,
  maskedUrl,
  clientHello,
  webSocketFrames,
  http2HeaderBlocks,
  http2Frames,
  hosts,
  addresses,
  configuration,
  strictJson,
  jwt,
  sealedTokens,
  fetchUrls,
  resourceRefs,
  edgeSwap,
  bundles,
  rules,
  auditLines,
];
