import { resolve } from "node:path";
import { AppError } from "../../policy/error.ts";
import {
  askServer,
  connectionFault,
  denialOf,
  isJwt,
  MAX_JWT_BYTES,
  parseJson,
  readSmallFile,
  type ServerAnswer,
  UNTRUSTED,
} from "../../providers/keyzero_server.ts";
import { SERVER_URL_PATTERN } from "../../providers/keyzero_setup.ts";
import type { Surroundings } from "../config/config_files.ts";
import { writeStderr } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** As its tokens name themselves in the audit. */
const TOKEN_ID_REGEXP = /^[0-9a-f]{32}$/;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_CA_BYTES = 256 * 1024;
const TIMEOUT_MS = 30_000;

/** What `POST /v1/revoke` takes. */
type RevokeBody = { readonly id: string } | { readonly issuer: string; readonly subject: string };

/** `kz server revoke --server URL (--id ID | --issuer NAME --subject S)` */
export async function serverRevokeCommand(args: Arguments, { cwd, getEnv }: Surroundings): Promise<number> {
  const body = readTarget(args);
  const server = args.value("server") ?? "";
  if (!new RegExp(`^(?:${SERVER_URL_PATTERN})$`).test(server)) {
    throw usage("--server does not name a server", "Write https://host:port; http goes to this machine only");
  }
  const jwtFile = args.value("jwt-file") ?? getEnv("KEYZERO_JWT_FILE");
  if (jwtFile === undefined || jwtFile === "") {
    throw usage("no JWT is named to be shown to the server", "Add --jwt-file, or set KEYZERO_JWT_FILE");
  }
  const jwt = (await read(resolve(cwd, jwtFile), "JWT", MAX_JWT_BYTES)).trim();
  if (!isJwt(jwt)) {
    throw new AppError("JWT_INPUT_INVALID", "Cannot read JWT: the file holds none", {
      hints: ["Three parts in base64url with dots between them are expected, and nothing else"],
    });
  }
  const caFile = args.value("ca");
  const ca = caFile === undefined ? undefined : await read(resolve(cwd, caFile), "certificates", MAX_CA_BYTES);
  const answer = await ask({ server, ca, jwt, body });
  if (answer.status !== 204) throw refusal(answer);
  writeStderr("id" in body ? "kz: the token is revoked\n" : "kz: the subject's tokens up to now are revoked\n");
  return 0;
}

/** What was typed is never in the message: a token may stand in the place of its id. */
function readTarget(args: Arguments): RevokeBody {
  const [id, issuer, subject] = ["id", "issuer", "subject"].map((name) => args.value(name));
  if (id !== undefined && issuer === undefined && subject === undefined) {
    if (TOKEN_ID_REGEXP.test(id)) return { id };
    throw usage("--id is not the id of a token", "An id has 32 hexadecimal digits; the audit names it, not the token");
  }
  if (id === undefined && issuer !== undefined && subject !== undefined) return { issuer, subject };
  throw usage("either --id, or --issuer and --subject, is expected", "Name one token, or whose tokens");
}

async function ask(
  { server, ca, jwt, body }: { server: string; ca: string | undefined; jwt: string; body: RevokeBody },
): Promise<ServerAnswer> {
  try {
    return await askServer(server, ca, {
      method: "POST",
      path: "/v1/revoke",
      jwt,
      json: body,
      maxBytes: MAX_ANSWER_BYTES,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    const fault = connectionFault(cause);
    throw new AppError("SERVER_UNREACHABLE", `Cannot revoke: ${fault}`, {
      cause,
      hints: [fault === UNTRUSTED ? "Name the root that it is signed by with --ca" : "See whether the server runs"],
    });
  }
}

/** Known codes only: what else a server says is not printed. */
function refusal({ status, body }: ServerAnswer): AppError {
  const denial = denialOf(parseJson(body));
  const why = denial === undefined ? `status ${status}` : `${denial.code}: ${denial.title}`;
  const hint = status === 401
    ? "See whether the JWT has expired, and whether its issuer and audience are those of the server's bundle"
    : status === 403
    ? "Those whom revokers in the server's bundle allows may revoke the tokens of others"
    : "Nothing was revoked, as far as the server says; try again";
  return new AppError("SERVER_REFUSED", `Cannot revoke: the server answers ${why}`, { hints: [hint] });
}

async function read(path: string, what: "JWT" | "certificates", maxBytes: number): Promise<string> {
  try {
    return await readSmallFile(path, maxBytes);
  } catch (cause) {
    const state = cause instanceof Deno.errors.NotFound ? "there is no such file" : "the file cannot be read";
    throw new AppError("CONFIG_UNREADABLE", `Cannot read ${what}: ${state}`, { cause });
  }
}

function usage(state: string, hint: string): AppError {
  return new AppError("USAGE_INVALID", `Cannot run "kz server revoke": ${state}`, { hints: [hint] });
}
