import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";

/** The streams of a server that speaks MCP on them. */
export interface McpStreams {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
}

/** The stdio transport over a child's streams, where the SDK's own would start the child and leave a timer behind. */
class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStream<Uint8Array>;
  readonly #heard: (line: string) => void;
  #reading: Promise<void> = Promise.resolve();

  constructor(server: McpStreams, heard: (line: string) => void) {
    this.#writer = server.stdin.getWriter();
    this.#output = server.stdout;
    this.#heard = heard;
  }

  start(): Promise<void> {
    this.#reading = this.#read();
    return Promise.resolve();
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const piece of this.#output.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#heard(line);
        this.onmessage?.(JSONRPCMessageSchema.parse(JSON.parse(line)));
      }
    }
    this.onclose?.();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }

  /** Ends the server's input, and waits for the end of its output. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#reading;
  }
}

/** The official client on the standard streams of a server, and all that it heard. */
export class McpClient implements AsyncDisposable {
  readonly client: Client;
  #transcript = "";

  constructor() {
    this.client = new Client({ name: "kz-test", version: "1.0.0" });
  }

  static async connect(server: McpStreams): Promise<McpClient> {
    const connected = new McpClient();
    await connected.client.connect(new ChildTransport(server, (line) => connected.#transcript += `${line}\n`));
    return connected;
  }

  /** Every line of the server. */
  get transcript(): string {
    return this.#transcript;
  }

  /** Calls a tool. */
  async call(name: string, args: Readonly<Record<string, unknown>>): Promise<{ text: string; isError: boolean }> {
    const result = await this.client.callTool({ name, arguments: { ...args } });
    return { text: JSON.stringify(result), isError: result.isError === true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}
