import assert from "node:assert/strict";
import { GRPC_JS, installGrpcJs } from "../grpc_js.ts";
import { type GrpcProject, makeGrpcProject } from "../grpc_project.ts";
import { assertNoLeak } from "../project.ts";
import type { ListedClient } from "./listed_client.ts";

/** gRPC needs HTTP/2 from end to end. */
export const GRPC: readonly ListedClient[] = [{
  program: GRPC_JS,
  what: "a unary call with a bearer token",
  outcome: "works",
  run: () => call(checkAnswered),
}];

type Check = (grpc: GrpcProject, result: Record<string, unknown>, stderr: string) => void;

/** Makes one call, whose output must show no value. */
async function call(check: Check): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "kz-grpc-" });
  try {
    await using grpc = await makeGrpcProject(await installGrpcJs(dir));
    const { status, stdout, stderr } = await grpc.blind({ script: `print(await unary("Echo", "hello"));` });
    assertNoLeak(grpc.value, stdout + stderr, "the client's output");
    assert.equal(status, 0, stdout + stderr);
    check(grpc, JSON.parse(stdout), stderr);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const checkAnswered: Check = ({ server, value }, { code, details, messages }) => {
  assert.equal(code, 0, String(details));
  const [seen] = server.eventsOf("call");
  assert.deepEqual(Object(seen?.["metadata"]).authorization, `Bearer ${value}`);
  // The echo came through, with a token in the value's place, cut to its length.
  assert.match(String(messages), /"authorization":"Bearer kz_masked_[0-9a-f]+\**"/);
};
