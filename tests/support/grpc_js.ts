import assert from "node:assert/strict";
import type { Program } from "./clients/listed_client.ts";

const PACKAGE = "@grpc/grpc-js@1.14.7";
const INSTALL = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE];
const TIMEOUT_MS = 120_000;

/** `npm` fetches it, so that it runs on Node itself; a machine without a registry does not have it. */
export const GRPC_JS: Program = {
  name: "grpc-js on Node",
  version: ["npm", "view", "--fetch-retries=0", PACKAGE, "version"],
};

/** Installs grpc-js below a folder. @returns The path for `require()`. */
export async function installGrpcJs(dir: string): Promise<string> {
  await Deno.writeTextFile(`${dir}/package.json`, "{}");
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { success, stderr } = await new Deno.Command("npm", { args: INSTALL, cwd: dir, signal }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return `${dir}/node_modules/@grpc/grpc-js`;
}
