import assert from "node:assert/strict";
import { API_HOST, makeBlindProject } from "../blind_project.ts";
import { assertNoLeak } from "../project.ts";
import type { ListedClient } from "./listed_client.ts";

const PACKAGE = "@grpc/grpc-js@1.14.7";

/** Calls a method that nobody has; what matters is that the call ends, and how. */
const CALL = `const grpc = require("@grpc/grpc-js");
const client = new grpc.Client("${API_HOST}:443", grpc.credentials.createSsl());
const metadata = new grpc.Metadata();
metadata.set("authorization", "Bearer " + process.env.API_TOKEN);
const same = (bytes) => bytes;
client.makeUnaryRequest("/a.B/C", same, same, Buffer.alloc(0), metadata, { deadline: Date.now() + 15000 }, (error) => {
  console.log("code " + error?.code + " " + error?.details);
  process.exit(error?.code === grpc.status.UNAVAILABLE ? 0 : 1);
});`;

/** gRPC needs HTTP/2 from end to end. */
export const GRPC: readonly ListedClient[] = [{
  // `npm` fetches it, so that it runs on Node itself; a machine without a registry does not have it.
  program: { name: "grpc-js on Node", version: ["npm", "view", "--fetch-retries=0", PACKAGE, "version"] },
  what: "a unary call with a bearer token",
  outcome: "refused clearly",
  run: checkGrpc,
}];

async function checkGrpc(): Promise<void> {
  await using blind = await makeBlindProject();
  await blind.project.write("package.json", "{}");
  const install = await new Deno.Command("npm", {
    args: ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
    cwd: blind.project.dir,
  }).output();
  assert.ok(install.success, new TextDecoder().decode(install.stderr));
  const { status, stdout, stderr } = await blind.blind(["node", "-e", CALL]);
  assert.equal(status, 0, stdout + stderr);
  // UNAVAILABLE: the client gives up, and does not wait for its deadline.
  assert.match(stdout, /^code 14 /);
  assert.match(stderr, /refused\[PROXY_PROTOCOL_UNSUPPORTED\]/);
  assert.deepEqual(blind.upstream.seen, []);
  assertNoLeak(blind.value, stdout + stderr, "the client's output");
}
