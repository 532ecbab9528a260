import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { KzCommand } from "../../tests/support/kz.ts";

/** What a tool answered. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** An MCP client that started one server through kz, and remembers all that reached it. */
export class Agent implements AsyncDisposable {
  readonly #client: Client;
  #messages = "";
  #stderr = "";

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Starts `command` in `cwd` and shakes hands with the server. */
  static async start(command: KzCommand, cwd: string): Promise<Agent> {
    const client = new Client({ name: "kz-demo", version: "1.0.0" });
    const agent = new Agent(client);
    const { file, args, env } = command;
    const transport = new StdioClientTransport({ command: file, args, env, cwd, stderr: "pipe" });
    const decoder = new TextDecoder();
    transport.stderr?.on("data", (chunk: Uint8Array) => {
      agent.#stderr += decoder.decode(chunk, { stream: true });
    });
    transport.onmessage = (message: unknown) => {
      agent.#messages += JSON.stringify(message) + "\n";
    };
    try {
      await client.connect(transport);
    } catch (cause) {
      throw new Error(`Cannot start MCP server under kz. Its standard error:\n${agent.#stderr}`, { cause });
    }
    return agent;
  }

  /** Every message of the server, one JSON text a line. */
  get messages(): string {
    return this.#messages;
  }

  /** What kz and the server wrote to standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  /** How many tools the server offers. */
  async toolCount(): Promise<number> {
    return (await this.#client.listTools()).tools.length;
  }

  /** Calls a tool; a protocol error counts as an answer, since the agent sees it too. */
  async call(tool: string, args: Record<string, unknown> = {}): Promise<ToolAnswer> {
    try {
      const result = await this.#client.callTool({ name: tool, arguments: args });
      return { text: textOf(result.content), isError: result.isError === true };
    } catch (error) {
      return { text: error instanceof Error ? error.message : String(error), isError: true };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) => {
    if (typeof part !== "object" || part === null) return "";
    return "text" in part && typeof part.text === "string" ? part.text : JSON.stringify(part);
  }).join("\n");
}
