/** A request of the provider, as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

export interface FakeKeyzeroOptions {
  /** PEM; absent: clear text. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What `POST /v1/resolve` answers. */
  readonly resolve: (refs: readonly string[], request: SeenRequest) => Response;
  readonly caPem?: string;
}

/** A server that speaks the wire form of a team server's HTTP interface, with results that the test gives. */
export class FakeKeyzero implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ tls, resolve, caPem }: FakeKeyzeroOptions) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls };
    this.#server = Deno.serve(options, async (request) => {
      const seen: SeenRequest = {
        method: request.method,
        path: new URL(request.url).pathname,
        authorization: request.headers.get("authorization"),
        body: request.method === "POST" ? await request.json() : undefined,
      };
      this.seen.push(seen);
      if (seen.method === "GET" && seen.path === "/healthz") return Response.json({ status: "ok" });
      if (seen.method === "GET" && seen.path === "/v1/ca.pem" && caPem !== undefined) return new Response(caPem);
      if (seen.method !== "POST" || seen.path !== "/v1/resolve") return new Response(null, { status: 404 });
      return resolve(refsOf(seen.body), seen);
    });
    this.url = `${tls === undefined ? "http://127.0.0.1" : "https://localhost"}:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function refsOf(body: unknown): string[] {
  if (typeof body === "object" && body !== null && "refs" in body && Array.isArray(body.refs)) return body.refs;
  throw new Error("The request has no refs");
}

/** An RFC 9457 problem. */
export function problem(status: number, code: string): Response {
  return new Response(JSON.stringify({ type: "about:blank", title: "a title of the server", status, code }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}
