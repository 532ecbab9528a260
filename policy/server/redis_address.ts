import { AppError } from "../error.ts";
import { type Host, parseHost } from "../host.ts";

/** Where a Redis server listens, and as whom it is used. Printable: it holds no password. */
export interface RedisAddress {
  readonly host: Host;
  readonly port: number;
  /** TLS, verified for the host (`rediss:`). */
  readonly secure: boolean;
  /** Of Redis's own ACL; undefined: `default`. */
  readonly username: string | undefined;
  readonly database: number;
}

const DEFAULT_PORT = 6379;
/** Redis has 16 unless it is told otherwise. */
const MAX_DATABASE = 65_535;

/**
 * Reads `redis://[user@]host[:port][/database]` or `rediss://…`.
 *
 * A password is refused: a bundle is mounted, committed and printed, and a backend can hold it.
 *
 * @throws {AppError} `BUNDLE_STATE_INVALID`; the message never holds `text`.
 * @see https://www.iana.org/assignments/uri-schemes/prov/redis
 */
export function parseRedisAddress(text: string): RedisAddress {
  const [, scheme, userinfo, host = "", port, database] =
    /^(rediss?):\/\/(?:([^@/]*)@)?(\[[0-9A-Fa-f:.]+\]|[^:/?#[\]@]+)(?::([0-9]{1,5}))?(?:\/([0-9]{0,5}))?$/.exec(text) ??
      [];
  if (scheme === undefined) throw invalid("redis://host:port/database is expected");
  if (userinfo?.includes(":")) throw invalid("a password has no place in it", [WHERE]);
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number < 1 || number > 65_535) throw invalid("the port is not a number from 1 to 65535");
  const chosen = Number(database ?? 0);
  if (chosen > MAX_DATABASE) throw invalid("the database is not a number that Redis takes");
  return {
    host: readHost(host),
    port: number,
    secure: scheme === "rediss",
    username: userinfo === undefined || userinfo === "" ? undefined : readUser(userinfo),
    database: chosen,
  };
}

const WHERE = 'Keep it in a backend: state = { redis: "redis://host:6379", password: { backend: NAME, secret: REF } }';

function readHost(text: string): Host {
  try {
    return parseHost(text);
  } catch {
    throw invalid("its host is not a host");
  }
}

function readUser(text: string): string {
  if (/^[A-Za-z0-9._~-]{1,128}$/.test(text)) return text;
  throw invalid("the user name is not made of letters, digits and characters of ._~-");
}

function invalid(state: string, hints: readonly string[] = ['Write for example "redis://redis.internal:6379/0"']) {
  return new AppError("BUNDLE_STATE_INVALID", `Cannot read Redis address: ${state}`, { hints });
}
