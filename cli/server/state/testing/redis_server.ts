import { closeQuietly } from "../../../../proxy/close_quietly.ts";

/** Whether there is a Redis server to test with: `apt-get install redis-server`. */
export const HAS_REDIS = found("redis-server");

function found(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** A Redis server of the test's own, on a port of this machine that was free, without a configuration of the system's. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #directory = Deno.makeTempDirSync({ prefix: "kz-redis-" });
  #child: Deno.ChildProcess | undefined;

  /** @param args Of `redis-server`, besides its port and its folder; `PORT` in them stands for the port. */
  constructor(...args: string[]) {
    this.port = freePort();
    this.#args = args.map((arg) => arg === "PORT" ? String(this.port) : arg);
  }

  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(...args);
    await server.start();
    return server;
  }

  /** Starts, or starts again with nothing in it. */
  async start(): Promise<void> {
    this.#child = new Deno.Command("redis-server", {
      args: [
        ...(this.#args.includes("--tls-port") ? ["--port", "0"] : ["--port", String(this.port)]),
        ...["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", this.#directory],
        ...this.#args,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (let attempt = 0;; attempt++) {
      try {
        closeQuietly(await Deno.connect({ hostname: "127.0.0.1", port: this.port }));
        return;
      } catch (error) {
        if (attempt > 200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** As `kill -9`, so that nothing is said to its clients. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  /** Connections stay open, and nothing is answered, until it goes on. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

/** Asks a Redis server directly, with its own command line. */
export async function askRedis(port: number, command: string): Promise<string> {
  const { success, stdout } = await new Deno.Command("redis-cli", {
    args: ["-p", String(port), "--no-auth-warning", ...command.split(" ")],
    stderr: "null",
  }).output();
  if (!success) throw new Error("Cannot ask Redis");
  return new TextDecoder().decode(stdout).trim();
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
