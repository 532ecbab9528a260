/**
 * What every intercepting proxy on this runtime does at least: TLS ends at it on both sides, by the same means as in kz,
 * and bytes are copied without a look at them. What is lost to it no code of ours can win back; what kz loses beside it is
 * the cost of parsing, deciding, swapping and scrubbing.
 *
 * As a program, writes its CA to its second argument, prints its port and serves until it is ended.
 */
import { fileURLToPath } from "node:url";
import { ByteReader } from "../../proxy/http/byte_reader.ts";
import { encodeLatin1 } from "../../proxy/http/latin1.ts";
import { parseRequestHead } from "../../proxy/http/request_head.ts";
import { parseAuthority } from "../../proxy/http/target.ts";
import { spliceTls } from "../../proxy/splice.ts";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { TlsTerminator } from "../../proxy/tls/tls_terminator.ts";
import { writeAll } from "../../proxy/write_all.ts";
import { clientCommand, clientEnvironment, runClient, type System } from "./system.ts";
import { TextLineStream } from "./text_line_stream.ts";

const HEAD_BYTES = 16 * 1024;
const BUFFER_BYTES = 64 * 1024;

if (import.meta.main) await serve(Deno.args[0] ?? "", Deno.args[1] ?? "");

async function serve(upstreamCaFile: string, caFile: string): Promise<void> {
  const upstreamCa = await Deno.readTextFile(upstreamCaFile);
  const ca = await CertificateAuthority.create({ now: new Date() });
  await Deno.writeTextFile(caFile, ca.certificatePem);
  const terminator = new TlsTerminator(ca);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(listener.addr.port);
  for await (const conn of listener) intercept(conn, terminator, upstreamCa).catch(() => conn.close());
}

async function intercept(client: Deno.TcpConn, terminator: TlsTerminator, upstreamCa: string): Promise<void> {
  client.setNoDelay(true);
  const head = await new ByteReader(client).readHead(HEAD_BYTES);
  if (head === undefined) return client.close();
  const { host, port } = parseAuthority(parseRequestHead(head).target, undefined);
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  tcp.setNoDelay(true);
  const upstream = await Deno.startTls(tcp, { hostname: host, caCerts: [upstreamCa] });
  await writeAll(client, encodeLatin1("HTTP/1.1 200 OK\r\n\r\n"));
  const { outer, inner } = await terminator.terminate(host);
  const { ended } = spliceTls(client, outer);
  await Promise.all([copy(inner, upstream), copy(upstream, inner), ended]);
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    await writeAll(to, buffer.subarray(0, count));
  }
  await to.closeWrite();
}

/** Starts it. The client sends the real value itself. */
export async function bareInterception(
  options: { token: string; upstreamCaFile: string; scratchDir: string },
): Promise<System> {
  const caFile = `${options.scratchDir}/bare-ca.pem`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net=127.0.0.1",
      `--allow-read=${options.upstreamCaFile}`,
      `--allow-write=${caFile}`,
      fileURLToPath(import.meta.url),
      options.upstreamCaFile,
      caFile,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  const port = Number((await lines.read()).value);
  if (!(port > 0)) throw new Error("Cannot measure: bare interception did not start");
  const env = clientEnvironment({ token: options.token, caFile, proxy: `http://127.0.0.1:${port}` });
  return {
    name: "bare interception (Deno)",
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
}
