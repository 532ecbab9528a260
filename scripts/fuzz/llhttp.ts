import { METHODS } from "node:http";
import wasm from "undici/llhttp";
import { decodeLatin1 } from "../../proxy/http/latin1.ts";

/** One message as Node reads it. */
export interface NodeMessage {
  /** Of a request; empty for a response. */
  readonly method: string;
  readonly target: string;
  /** Of a response; 0 for a request. */
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** One character a byte. */
  readonly body: string;
}

const KIND = { request: 1, response: 2 } as const;

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(kind: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_method_name(method: number): number;
}

interface Building {
  method: string;
  target: string;
  status: number;
  names: string[];
  values: string[];
  /** What came last, since names and values come in pieces. */
  last: "name" | "value" | undefined;
  body: string;
}

/** Larger inputs are not fuzzed. */
const MAX_BYTES = 256 * 1024;

/**
 * Node's own HTTP parser, llhttp, in its strict mode: the WebAssembly build that undici carries, which Node's `fetch` uses.
 * `node:http` has the same parser, natively.
 */
export class NodeHttpParser {
  readonly #exports: Exports;
  readonly #buffer: number;
  #messages: NodeMessage[] = [];
  #current: Building = empty();

  constructor() {
    const text = (at: number, length: number) =>
      decodeLatin1(new Uint8Array(this.#exports.memory.buffer, at, length).slice());
    const on = (use: (at: number, length: number) => void) => (_parser: number, at: number, length: number) => {
      use(at, length);
      return 0;
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm)), {
      env: {
        wasm_on_message_begin: () => {
          this.#current = empty();
          return 0;
        },
        wasm_on_url: on((at, length) => this.#current.target += text(at, length)),
        wasm_on_status: () => 0,
        wasm_on_header_field: on((at, length) => {
          const { names, last } = this.#current;
          if (last === "name") names[names.length - 1] += text(at, length);
          else names.push(text(at, length));
          this.#current.last = "name";
        }),
        wasm_on_header_value: on((at, length) => {
          const { values, last } = this.#current;
          if (last === "value") values[values.length - 1] += text(at, length);
          else values.push(text(at, length));
          this.#current.last = "value";
        }),
        wasm_on_headers_complete: (parser: number, status: number) => {
          this.#current.status = status;
          this.#current.method = this.#methodName(parser);
          return 0;
        },
        wasm_on_body: on((at, length) => this.#current.body += text(at, length)),
        wasm_on_message_complete: () => {
          const { method, target, status, names, values, body } = this.#current;
          const fields = names.map((name, at) => [name, (values[at] ?? "").replace(/^[ \t]+|[ \t]+$/g, "")] as const);
          this.#messages.push({ method, target, status, fields, body });
          return 0;
        },
      },
    });
    this.#exports = instance.exports as unknown as Exports;
    this.#exports._initialize();
    this.#buffer = this.#exports.malloc(MAX_BYTES);
  }

  /** Every whole message in `bytes`, up to the first that is refused. */
  messages(kind: keyof typeof KIND, bytes: Uint8Array): readonly NodeMessage[] {
    if (bytes.length > MAX_BYTES) throw new RangeError(`Cannot parse: more than ${MAX_BYTES} bytes`);
    const { memory, llhttp_alloc, llhttp_execute, llhttp_finish, llhttp_free } = this.#exports;
    new Uint8Array(memory.buffer, this.#buffer, bytes.length).set(bytes);
    this.#messages = [];
    const parser = llhttp_alloc(KIND[kind]);
    if (llhttp_execute(parser, this.#buffer, bytes.length) === 0) llhttp_finish(parser);
    llhttp_free(parser);
    return this.#messages;
  }

  #methodName(parser: number): string {
    const { memory, llhttp_get_method, llhttp_method_name } = this.#exports;
    const at = llhttp_method_name(llhttp_get_method(parser));
    const bytes = new Uint8Array(memory.buffer, at, 32);
    return decodeLatin1(bytes.slice(0, bytes.indexOf(0)));
  }
}

/** Methods that Node knows; it refuses all others. */
export const NODE_METHODS: ReadonlySet<string> = new Set(METHODS);

function empty(): Building {
  return { method: "", target: "", status: 0, names: [], values: [], last: undefined, body: "" };
}
