import type { AppError } from "../policy/error.ts";
import type { SecretRef } from "../policy/secret_ref.ts";
import { formatServerProxy, SERVER_PROXY_REF } from "../policy/server/server_proxy.ts";
import {
  askServer,
  connectionFault,
  denialOf,
  fieldOf,
  isJwt,
  MAX_JWT_BYTES,
  parseJson,
  readSmallFile,
  type ServerAnswer,
  type ServerCall,
  UNTRUSTED,
} from "./keyzero_server.ts";
import type { ProviderOptions } from "./options.ts";
import type { Provider, Resolution, SecretRequest } from "./provider.ts";
import { providerError, readError } from "./provider_error.ts";
import { MAX_VALUE_BYTES } from "./value.ts";

const PROVIDER = "keyzero";
/** The most refs that a server takes at once. */
const BATCH = 100;
/** JSON may write each byte of a value as an escape of six. */
const MAX_ANSWER_BYTES = BATCH * (6 * MAX_VALUE_BYTES + 8_192);
const MAX_CA_BYTES = 64 * 1024;

/**
 * Resources of a team server; a reference is a resource ref. Read-only.
 *
 * For a resource in direct mode the value is the secret's own. In masked mode it is a `KZ_TOK_…`, which is worth something
 * at the server's proxy only; how that is reached is the value of {@linkcode SERVER_PROXY_REF}.
 *
 * @param options `url`, `jwt_file`, read anew each time, and `ca`.
 */
export function createKeyzeroProvider(options: ProviderOptions): Provider {
  function serverUrl(): string {
    if (options.url !== undefined) return options.url;
    throw providerError({ code: "CONFIG_KEY_MISSING", provider: PROVIDER }, "no server is named", {
      hints: ["Set url under [providers.keyzero], KEYZERO_SERVER_URL, or kz run --server"],
    });
  }

  async function ask(call: ServerCall): Promise<ServerAnswer> {
    const url = serverUrl();
    const ca = options.ca === undefined ? undefined : await readFileOf("ca", options.ca, MAX_CA_BYTES);
    try {
      return await askServer(url, ca, call);
    } catch (cause) {
      if (call.signal.aborted) throw call.signal.reason;
      throw connectionError(cause);
    }
  }

  /** Where there is no server, there is nothing to be shown. */
  async function readJwt(): Promise<string> {
    serverUrl();
    if (options.jwt_file === undefined) {
      throw providerError(
        { code: "CONFIG_KEY_MISSING", provider: PROVIDER },
        "no JWT is named to be shown to the server",
        {
          hints: ["Set jwt_file under [providers.keyzero], KEYZERO_JWT_FILE, or kz run --jwt-file"],
        },
      );
    }
    const jwt = (await readFileOf("JWT", options.jwt_file, MAX_JWT_BYTES)).trim();
    if (isJwt(jwt)) return jwt;
    throw providerError({ code: "PROVIDER_SOURCE_INVALID", provider: PROVIDER }, "the JWT file holds no JWT", {
      hints: ["Three parts in base64url with dots between them are expected, and nothing else"],
    });
  }

  async function readBatch(refs: readonly SecretRef[], signal: AbortSignal): Promise<ReadonlyMap<string, unknown>> {
    const jwt = await readJwt();
    const answer = await ask({
      method: "POST",
      path: "/v1/resolve",
      jwt,
      json: { refs },
      maxBytes: MAX_ANSWER_BYTES,
      signal,
    });
    const content = parseJson(answer.body);
    if (answer.status !== 200) throw refusal(answer.status, content);
    const results = fieldOf(content, "results");
    if (typeof results !== "object" || results === null) throw unreadable();
    return new Map(Object.entries(results));
  }

  async function findProxy(proxies: ReadonlySet<string | undefined>, signal: AbortSignal): Promise<Uint8Array> {
    if (proxies.size === 0) return encode(formatServerProxy(undefined));
    const [url] = [...proxies].filter((proxy) => proxy !== undefined);
    if (url === undefined) {
      throw providerError(
        { code: "PROVIDER_UNAVAILABLE", provider: PROVIDER },
        "the server has no proxy, which its tokens need",
        {
          hints: ["Start the server with --proxy, or make the resources' mode direct in its bundle"],
        },
      );
    }
    const { status, body } = await ask({ method: "GET", path: "/v1/ca.pem", maxBytes: MAX_CA_BYTES, signal });
    const ca = new TextDecoder().decode(body);
    if (status !== 200 || !ca.startsWith("-----BEGIN CERTIFICATE-----")) throw unreadable();
    return encode(formatServerProxy({ url, ca }));
  }

  return {
    async resolve(requests, { signal }) {
      const wanted = requests.filter(({ ref }) => ref !== SERVER_PROXY_REF);
      const results = new Map<string, unknown>();
      const refs = [...new Set(wanted.map(({ ref }) => ref))];
      for (let at = 0; at < refs.length; at += BATCH) {
        for (const [ref, result] of await readBatch(refs.slice(at, at + BATCH), signal)) results.set(ref, result);
      }
      const proxies = new Set<string | undefined>();
      const resolutions = wanted.map((request): Resolution => {
        try {
          const result = readResult(request, results.get(request.ref));
          if (result.masked) proxies.add(result.proxy);
          return {
            id: request.id,
            bytes: encode(result.text),
            ...(result.lifeMs === undefined ? {} : { lifeMs: result.lifeMs }),
          };
        } catch (error) {
          return { id: request.id, error };
        }
      });
      for (const { id, ref } of requests) {
        if (ref !== SERVER_PROXY_REF) continue;
        resolutions.push(await findProxy(proxies, signal).then((bytes) => ({ id, bytes }), (error) => ({ id, error })));
      }
      return resolutions;
    },

    async check({ signal }) {
      await readJwt();
      const { status } = await ask({ method: "GET", path: "/healthz", maxBytes: MAX_CA_BYTES, signal });
      if (status !== 200) throw unreadable();
    },
  };
}

interface Result {
  readonly text: string;
  readonly masked: boolean;
  readonly proxy: string | undefined;
  readonly lifeMs: number | undefined;
}

/** @throws {AppError} for a denial, or what is no answer. */
function readResult({ ref }: SecretRequest, result: unknown): Result {
  const secret = { provider: PROVIDER, ref };
  if (fieldOf(result, "allowed") === false) throw denied(secret, result);
  const [mode, proxy] = [fieldOf(result, "mode"), fieldOf(result, "proxy")];
  const text = fieldOf(result, mode === "direct" ? "value" : "token");
  if (fieldOf(result, "allowed") !== true || (mode !== "direct" && mode !== "masked") || typeof text !== "string") {
    throw readError({ code: "PROVIDER_SOURCE_INVALID", ...secret }, "the server's answer cannot be read");
  }
  return {
    text,
    masked: mode === "masked",
    proxy: typeof proxy === "string" ? proxy : undefined,
    lifeMs: lifeOf(fieldOf(result, "expires_at")),
  };
}

/** @param expiresAt RFC 3339. */
function lifeOf(expiresAt: unknown): number | undefined {
  const at = typeof expiresAt === "string" ? Date.parse(expiresAt) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function denied(secret: { provider: string; ref: SecretRef }, result: unknown): AppError {
  const denial = denialOf(fieldOf(result, "error"));
  const policy = fieldOf(result, "policy");
  // What is no name of a policy is not ours to print.
  const named = typeof policy === "string" && /^[A-Za-z0-9._ -]{1,128}$/.test(policy) ? policy : undefined;
  if (denial !== undefined && denial.status !== 403) {
    return readError({ code: "PROVIDER_UNAVAILABLE", ...secret }, `the server answers ${denial.code}: ${denial.title}`);
  }
  const state = named === undefined ? "the server's policies deny it" : `the server's policy "${named}" denies it`;
  return readError({ code: "PROVIDER_ACCESS_DENIED", ...secret }, state, {
    hints: ["Ask those who keep the server's bundle, or show a JWT of another identity"],
  });
}

/** What a request as a whole was denied for (RFC 9457). */
function refusal(status: number, content: unknown): AppError {
  const denial = denialOf(content);
  const why = denial === undefined ? `status ${status}` : `${denial.code}: ${denial.title}`;
  if (status === 401) {
    return providerError(
      { code: "PROVIDER_ACCESS_DENIED", provider: PROVIDER },
      `the server does not accept the JWT (${why})`,
      {
        hints: [
          "See whether the JWT has expired, and whether its issuer and audience are those of the server's bundle",
          "kz jwt inspect shows what it says",
        ],
      },
    );
  }
  const code = status === 403 ? "PROVIDER_ACCESS_DENIED" : "PROVIDER_UNAVAILABLE";
  return providerError({ code, provider: PROVIDER }, `the server answers ${why}`);
}

function connectionError(cause: unknown): AppError {
  const state = connectionFault(cause);
  const hints = state === UNTRUSTED
    ? ["Name the root that it is signed by in ca under [providers.keyzero]"]
    : ["See whether the server runs, and whether url names it"];
  return providerError({ code: "PROVIDER_UNAVAILABLE", provider: PROVIDER }, state, { cause, hints });
}

function unreadable(): AppError {
  return providerError(
    { code: "PROVIDER_UNAVAILABLE", provider: PROVIDER },
    "the answer is not one of a KeyZero server",
    {
      hints: ["See whether url names the server itself"],
    },
  );
}

/** Reads a file of the options; it is small. */
async function readFileOf(what: "JWT" | "ca", path: string, maxBytes: number): Promise<string> {
  const problem = { code: "PROVIDER_UNAVAILABLE", provider: PROVIDER } as const;
  try {
    return await readSmallFile(path, maxBytes);
  } catch (cause) {
    const state = cause instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
    throw providerError(problem, `the ${what} file ${state}`, {
      cause,
      hints: [`See what ${what === "ca" ? "ca" : "jwt_file"} under [providers.keyzero] names`],
    });
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
