import { parseHost } from "../../../policy/host.ts";
import { CertificateAuthority } from "../../../proxy/tls/certificate_authority.ts";
import { API_HOST } from "../blind_project.ts";

/** A bare repository behind TLS and Basic authentication. */
export interface GitHost extends AsyncDisposable {
  readonly port: number;
  readonly caPem: string;
  /** The bodies' `Content-Encoding`, where there was one. */
  readonly encodings: readonly string[];
}

/** Starts git's own server; `login` is `user:password`. */
export async function startGitHost(folder: string, login: string): Promise<GitHost> {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await authority.issue(parseHost(API_HOST));
  const encodings: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} },
    async (request) => {
      const body = await request.bytes();
      const encoding = request.headers.get("content-encoding");
      if (encoding !== null) encodings.push(encoding);
      if (request.headers.get("authorization") !== `Basic ${btoa(login)}`) {
        return new Response("who are you?", { status: 401, headers: { "www-authenticate": 'Basic realm="git"' } });
      }
      return await runBackend(folder, request, body);
    },
  );
  return {
    port: server.addr.port,
    caPem: authority.certificatePem,
    encodings,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs `git http-backend` as a web server does (RFC 3875). */
async function runBackend(folder: string, request: Request, body: Uint8Array): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const child = new Deno.Command("git", {
    args: ["http-backend"],
    env: {
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      REMOTE_USER: "somebody",
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      CONTENT_LENGTH: `${body.length}`,
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const [output] = await Promise.all([child.output(), ReadableStream.from([body]).pipeTo(child.stdin)]);
  const end = new TextDecoder("latin1").decode(output.stdout).indexOf("\r\n\r\n");
  const headers = new Headers();
  for (const line of new TextDecoder().decode(output.stdout.subarray(0, end)).split("\r\n")) {
    headers.set(line.split(": ", 1)[0]!, line.slice(line.indexOf(": ") + 2));
  }
  const status = Number(headers.get("status")?.slice(0, 3) ?? 200);
  headers.delete("status");
  return new Response(output.stdout.subarray(end + 4), { status, headers });
}
