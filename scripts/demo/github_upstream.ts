import { Buffer } from "node:buffer";
import type { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { parseHost } from "../../policy/host.ts";

export const GITHUB = parseHost("api.github.com");

/** One request as it arrived, after kz. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  /** Every header and the body, for the search. */
  readonly whole: string;
}

/** A TLS server on loopback in the role of `api.github.com`. */
export interface GithubUpstream extends AsyncDisposable {
  readonly port: number;
  readonly received: readonly ReceivedRequest[];
}

/**
 * Starts the server. It speaks what `@modelcontextprotocol/server-github` asks of GitHub's REST interface, answers 401
 * to any credential but `token`, and echoes each request's headers in the worst way: plain, in base64 and in hex.
 */
export async function startGithubUpstream(ca: CertificateAuthority, token: string): Promise<GithubUpstream> {
  const { certPem, keyPem } = await ca.issue(GITHUB);
  const received: ReceivedRequest[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} },
    async (request) => {
      const url = new URL(request.url);
      const headers = Object.fromEntries(request.headers);
      const body = await request.text();
      const authorization = request.headers.get("authorization") ?? "";
      received.push({
        method: request.method,
        path: url.pathname,
        authorization,
        whole: JSON.stringify({ url: request.url, headers, body }),
      });
      if (authorization !== `Bearer ${token}`) return Response.json({ message: "Bad credentials" }, { status: 401 });
      const echo = {
        headers,
        authorization_base64: Buffer.from(authorization).toString("base64"),
        authorization_hex: Buffer.from(authorization).toString("hex"),
      };
      return answer(request.method, url.pathname, body, echo);
    },
  );
  return { port: server.addr.port, received, [Symbol.asyncDispose]: () => server.shutdown() };
}

function answer(method: string, path: string, body: string, echo: object): Response {
  if (method === "GET" && path === "/search/code") {
    const items = [{ name: "retry.ts", path: "src/retry.ts", repository: { full_name: "acme/payments" }, score: 1 }];
    return Response.json({ total_count: 1, incomplete_results: false, items, echo });
  }
  if (method === "POST" && path === "/repos/acme/payments/issues") {
    const { title }: { title: unknown } = JSON.parse(body);
    return Response.json({ number: 7, state: "open", title, echo }, { status: 201 });
  }
  return Response.json({ message: "Not Found", echo }, { status: 404 });
}
