import { fileURLToPath } from "node:url";
import { parseHost } from "../../policy/host.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { TextLineStream } from "./text_line_stream.ts";
import type { UpstreamSetup } from "./upstream.ts";

/** The running upstream, known as `localhost`. */
export interface UpstreamProcess extends AsyncDisposable {
  readonly port: number;
  /** What its certificate is trusted by. */
  readonly caPem: string;
}

/** Starts the upstream in its own process. It accepts `Bearer <token>` and nothing else. */
export async function startUpstream(token: string): Promise<UpstreamProcess> {
  const ca = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await ca.issue(parseHost("localhost"));
  const setup: UpstreamSetup = { certPem, keyPem, authorization: `Bearer ${token}` };
  const script = fileURLToPath(new URL("./upstream.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net=127.0.0.1", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(setup) + "\n"));
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  const port = Number((await lines.read()).value);
  if (!(port > 0)) throw new Error("Cannot measure: the upstream did not start");
  return {
    port,
    caPem: ca.certificatePem,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Promise.allSettled([writer.close(), lines.cancel()]);
    },
  };
}
