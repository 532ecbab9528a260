import { createClient } from "@redis/client";
import { Denial } from "../../../policy/server/denial.ts";
import type { RedisAddress } from "../../../policy/server/redis_address.ts";
import type { RedisFault } from "./protocol.ts";

/** Callers wait for the answer, each for one request of an agent: in a data centre it takes a millisecond. */
const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** Between attempts to connect: doubled from the first to the last. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;
/** Commands that wait for their answers; beyond, they are refused at once. */
const MAX_QUEUED = 10_000;

export interface RedisLinkOptions {
  readonly address: RedisAddress;
  /** Roots besides the usual ones, PEM. */
  readonly roots: readonly string[];
  /** Asked for at each connection. */
  readonly password: () => string | undefined;
  /** Told when Redis becomes usable (undefined) or stops being so, and not twice of the same. */
  readonly onChange: (fault: RedisFault | undefined) => void;
}

type Client = ReturnType<typeof openClient>;

/** A connection to Redis that is made again whenever it is lost. While there is none, whoever asks is denied at once. */
export class RedisLink implements Disposable {
  readonly #options: RedisLinkOptions;
  readonly #first = Promise.withResolvers<void>();
  #client: Client;
  #told: RedisFault | undefined | "nothing" = "nothing";
  #ended = false;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#client = this.#open();
  }

  /** Resolves when the first attempt to connect has come to an end, either way. */
  get attempted(): Promise<void> {
    return this.#first.promise;
  }

  /**
   * Sends a command.
   *
   * @throws {Denial} `STATE_UNAVAILABLE` for anything but its answer.
   */
  async run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(SILENT), COMMAND_TIMEOUT_MS);
    const answer = command(client);
    // It may fail when nobody waits for it any more.
    answer.catch(() => {});
    try {
      const result = await Promise.race([answer, late.promise]);
      if (client === this.#client) this.#tell(undefined);
      return result;
    } catch (error) {
      // A connection that is open and answers nothing would take all that is sent to it: another one is made.
      if (error === SILENT && client === this.#client && !this.#ended) {
        this.#tell("silent");
        destroy(client);
        this.#client = this.#open();
      } else if (client.isReady) this.#tell(faultOf(error));
      throw new Denial("STATE_UNAVAILABLE");
    } finally {
      clearTimeout(timer);
    }
  }

  /** Makes a new connection, since what it logs in with has changed. */
  reconnect(): void {
    if (this.#ended) return;
    destroy(this.#client);
    this.#client = this.#open();
  }

  #open(): Client {
    const client = openClient(this.#options);
    // Without a listener an error would end the worker. Its text may hold what was sent.
    client.on("error", (error) => {
      if (client === this.#client && !client.isReady) this.#tell(faultOf(error));
    });
    client.on("ready", () => client === this.#client && this.#tell(undefined));
    // It goes on trying by itself; it ends only with us.
    client.connect().catch(() => {});
    return client;
  }

  #tell(fault: RedisFault | undefined): void {
    this.#first.resolve();
    if (this.#ended || this.#told === fault) return;
    this.#told = fault;
    this.#options.onChange(fault);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#first.resolve();
    destroy(this.#client);
  }
}

const SILENT = new Error("Cannot ask Redis: no answer in time");

function openClient({ address, roots, password }: RedisLinkOptions) {
  const { host, port, secure, username, database } = address;
  const hostname = host.startsWith("[") ? host.slice(1, -1) : host;
  const common = {
    host: hostname,
    port,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectStrategy: (attempt: number) => Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10)),
  };
  return createClient({
    // The plainest way of speaking to it: no push messages, nothing told of ourselves.
    RESP: 2,
    maintNotifications: "disabled",
    disableClientInfo: true,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED,
    database,
    credentialsProvider: {
      type: "async-credentials-provider",
      credentials: () => Promise.resolve(credentialsOf(username, password())),
    },
    socket: secure
      ? { ...common, tls: true, ...(roots.length === 0 ? {} : { ca: [...roots] }), ...serverName(hostname) }
      : common,
  });
}

function credentialsOf(username: string | undefined, password: string | undefined) {
  if (password === undefined) return {};
  return username === undefined ? { password } : { username, password };
}

/** An address is never sent as a server name (RFC 6066 §3). */
function serverName(hostname: string) {
  return /^[0-9.]+$|:/.test(hostname) ? {} : { servername: hostname };
}

function destroy(client: Client): void {
  try {
    client.destroy();
  } catch {
    // It was not open.
  }
}

/** Which of our words says it: what Redis and the runtime say may hold more than that. */
function faultOf(error: unknown): RedisFault {
  const text = error instanceof Error ? `${"code" in error ? error.code : ""} ${error.message}` : "";
  if (/\b(?:WRONGPASS|NOAUTH|ERR AUTH|ERR Client sent AUTH)/.test(text)) return "password-refused";
  if (/certificate|CERT_|UnknownIssuer|NotValidForName|self.signed/i.test(text)) return "untrusted";
  if (/timeout|timed out/i.test(text)) return "silent";
  if (/^\s*(?:NOPERM|READONLY|LOADING|MISCONF|MOVED|CLUSTERDOWN|OOM|ERR)\b/.test(text)) return "refusing";
  return "unreachable";
}
