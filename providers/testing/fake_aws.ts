/** A request as it arrived. */
export interface SeenRequest {
  readonly target: string;
  readonly contentType: string;
  readonly authorization: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What an operation answers: a reply, or an error by its `__type`. */
export type Answer =
  | { readonly reply: Record<string, unknown> }
  | { readonly type: string; readonly status?: number };

export interface FakeAws extends AsyncDisposable {
  readonly endpoint: string;
  readonly seen: readonly SeenRequest[];
}

/**
 * A local endpoint that speaks AWS JSON 1.1, which Secrets Manager and Systems Manager use: a POST to `/` whose operation is
 * in `X-Amz-Target`, a JSON body, and errors as status 4xx or 5xx with the error's name in `__type`.
 *
 * @param answer By the whole target, such as `secretsmanager.GetSecretValue`.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export function startFakeAws(answer: (request: SeenRequest) => Answer): FakeAws {
  const seen: SeenRequest[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { headers } = request;
    const one: SeenRequest = {
      target: headers.get("x-amz-target") ?? "",
      contentType: headers.get("content-type") ?? "",
      authorization: headers.get("authorization") ?? "",
      body: await request.json(),
    };
    seen.push(one);
    const answered = answer(one);
    const ok = "reply" in answered;
    // A message that an error must not pass on.
    const body = ok ? answered.reply : { __type: answered.type, Message: "kz-canary-aws-message" };
    return new Response(JSON.stringify(body), {
      status: ok ? 200 : answered.status ?? 400,
      headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": crypto.randomUUID() },
    });
  });
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
