import { fileURLToPath } from "node:url";
import { clientCommand, clientEnvironment, runClient } from "../system.ts";
import { freePort, type Peer, untilListening } from "./peer.ts";

/** mitmproxy without its interface, with an addon that swaps (`mitmproxy_swap.py`). Debian or PyPI have it. */
export const mitmproxy: Peer = {
  name: "mitmproxy",
  async start({ token, value, upstreamCaFile, scratchDir }) {
    const version = await mitmdumpVersion();
    if (version === undefined) return undefined;
    const port = freePort();
    const child = new Deno.Command("mitmdump", {
      args: [
        "--quiet",
        "--listen-host=127.0.0.1",
        `--listen-port=${port}`,
        `--set=confdir=${scratchDir}`,
        `--set=ssl_verify_upstream_trusted_ca=${upstreamCaFile}`,
        "--scripts",
        fileURLToPath(new URL("./mitmproxy_swap.py", import.meta.url)),
      ],
      env: { SWAP_TOKEN: token, SWAP_VALUE: value },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await untilListening(port);
    const caFile = `${scratchDir}/mitmproxy-ca-cert.pem`;
    const env = clientEnvironment({ token, caFile, proxy: `http://127.0.0.1:${port}` });
    return {
      name: `mitmproxy ${version}`,
      measure(job) {
        const [file = "", ...args] = clientCommand(job);
        return runClient({ file, args, env });
      },
      async [Symbol.asyncDispose]() {
        child.kill("SIGTERM");
        await child.status;
      },
    };
  },
};

async function mitmdumpVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("mitmdump", { args: ["--version"], stderr: "null" }).output();
    return /Mitmproxy: (\S+)/.exec(new TextDecoder().decode(stdout))?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
