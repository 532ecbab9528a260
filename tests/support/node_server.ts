import assert from "node:assert/strict";

/** How long what must come may take. */
const WAIT_MS = 10_000;

/** A line of JSON that a server printed. */
export type ServerEvent = Readonly<Record<string, unknown>>;

/** A server in Node that prints a line of JSON for its port and for all that comes. It is killed with the scope. */
export class NodeServer implements AsyncDisposable {
  /** What it printed. */
  readonly events: ServerEvent[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  /** @param script A file in this folder. */
  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = new Deno.Command("node", {
      args: [new URL(script, import.meta.url).pathname, ...args],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const part of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.events.push(JSON.parse(line));
    }
  }

  /** Waits for an event that has `key`. */
  async event(key: string): Promise<ServerEvent> {
    const end = performance.now() + WAIT_MS;
    for (;;) {
      const found = this.events.find((event) => Object.hasOwn(event, key));
      if (found !== undefined) return found;
      assert.ok(performance.now() < end, `no "${key}" came`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Every event that has `key`. */
  eventsOf(key: string): ServerEvent[] {
    return this.events.filter((event) => Object.hasOwn(event, key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.#reading;
  }
}
