import { Denial, type DenialCode } from "../../../policy/server/denial.ts";

/** Why HTTP itself, and not the broker, refuses. */
const HTTP_PROBLEMS = {
  ROUTE_UNKNOWN: [404, "There is no such path here"],
  PROXY_ABSENT: [404, "This server has no proxy"],
  METHOD_NOT_ALLOWED: [405, "The path does not take this method"],
  REQUEST_TIMEOUT: [408, "The request did not come in time"],
  MEDIA_TYPE_UNSUPPORTED: [415, "The body is not application/json"],
  ORIGIN_REFUSED: [403, "This server takes no requests of web pages from there"],
  HOST_REFUSED: [421, "The request names another host"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type HttpProblemCode = keyof typeof HTTP_PROBLEMS;
export const HTTP_PROBLEM_CODES: readonly HttpProblemCode[] = Object.keys(HTTP_PROBLEMS) as HttpProblemCode[];

export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly code: HttpProblemCode;
  readonly detail: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: HttpProblemCode, options: { detail?: string; headers?: Readonly<Record<string, string>> } = {}) {
    super(code);
    this.code = code;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return HTTP_PROBLEMS[this.code][0];
  }

  get title(): string {
    return HTTP_PROBLEMS[this.code][1];
  }
}

/** Seconds after which what failed for load or a neighbour's fault may be tried again. */
const RETRY_AFTER_S: { readonly [code in DenialCode]?: number } = {
  TOO_MANY_REQUESTS: 1,
  OVERLOADED: 1,
  ISSUER_UNAVAILABLE: 5,
  AUDIT_UNAVAILABLE: 5,
  STATE_UNAVAILABLE: 5,
};

/** The type of a problem: a name, nothing to be fetched. */
export function problemType(code: DenialCode | HttpProblemCode): string {
  return `urn:keyzero:problem:${code.toLowerCase().replaceAll("_", "-")}`;
}

/** Turns anything thrown into a denial or a problem; what is neither is a fault of ours, and its text is left out. */
export function toProblem(thrown: unknown): Denial | HttpProblem {
  return thrown instanceof Denial || thrown instanceof HttpProblem ? thrown : new Denial("INTERNAL");
}

/**
 * The answer to what was thrown, as RFC 9457 has it.
 *
 * A 401 carries the challenge of RFC 6750 §3: without an error code where no credentials were sent (§3.1).
 */
export function problemResponse(thrown: unknown): Response {
  const problem = toProblem(thrown);
  const { code, title, status, detail } = problem;
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (problem instanceof HttpProblem) {
    for (const [name, value] of Object.entries(problem.headers)) headers.set(name, value);
  } else {
    const retryAfter = RETRY_AFTER_S[problem.code];
    if (retryAfter !== undefined) headers.set("retry-after", String(retryAfter));
    if (status === 401) {
      headers.set("www-authenticate", problem.code === "JWT_MISSING" ? "Bearer" : 'Bearer error="invalid_token"');
    }
  }
  return new Response(JSON.stringify({ type: problemType(code), title, status, detail, code }), { status, headers });
}
