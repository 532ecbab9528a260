import { fileURLToPath } from "node:url";
import { clientCommand, clientEnvironment, runClient } from "../system.ts";
import { TextLineStream } from "../text_line_stream.ts";
import type { Peer } from "./peer.ts";

const VERSION = "4.6.5";

/** mockttp on Node, passing through with a transformed header; fetched from npm when it is not there yet. */
export const mockttp: Peer = {
  name: "mockttp",
  async start({ token, value, upstreamCaFile, scratchDir, packageDir }) {
    if (!await install(packageDir)) return undefined;
    const caFile = `${scratchDir}/mockttp-ca.pem`;
    const child = new Deno.Command("node", {
      args: [
        fileURLToPath(new URL("./mockttp_server.mjs", import.meta.url)),
        JSON.stringify({ packageDir, upstreamCaFile, caFile, value }),
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    const port = Number((await lines.read()).value);
    if (!(port > 0)) throw new Error("Cannot measure: mockttp did not start");
    const env = clientEnvironment({ token, caFile, proxy: `http://127.0.0.1:${port}` });
    return {
      name: `mockttp ${VERSION}`,
      measure(job) {
        const [file = "", ...args] = clientCommand(job);
        return runClient({ file, args, env });
      },
      async [Symbol.asyncDispose]() {
        child.kill("SIGTERM");
        await child.status;
        await lines.cancel();
      },
    };
  },
};

/** @returns False if this machine has no Node with npm. */
async function install(packageDir: string): Promise<boolean> {
  try {
    const found: unknown = JSON.parse(await Deno.readTextFile(`${packageDir}/node_modules/mockttp/package.json`));
    if (typeof found === "object" && found !== null && "version" in found && found.version === VERSION) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(packageDir, { recursive: true });
  try {
    const { code } = await new Deno.Command("npm", {
      args: ["install", "--prefix", packageDir, "--ignore-scripts", "--no-audit", "--no-fund", `mockttp@${VERSION}`],
      stdout: "null",
      stderr: "null",
    }).output();
    return code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
