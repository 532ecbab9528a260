/** docs/server.md, carried out as it stands. */
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { HTTP_PROBLEM_CODES } from "../cli/server/http/problem.ts";
import { DENIAL_CODES } from "../policy/server/denial.ts";
import { type DocStep, docSteps, isAsShown } from "./support/doc_page.ts";
import { findForm } from "./support/forms.ts";
import { kzCommand, makeHome, ROOT } from "./support/kz.ts";
import { McpClient } from "./support/mcp_client.ts";
import { hasProgram } from "./support/programs.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

const PAGE = await Deno.readTextFile(`${ROOT}docs/server.md`);
const PROGRAMS = ["sh", "sed", "curl"];
/** What the page says to put the real value for. */
const VALUE = "put-the-real-one-here";
/** The ports that the page names; at the first the server listens if nothing is said. */
const PORTS = ["7070", "7071", "7072"];
const START_TIMEOUT_MS = 60_000;

/** Ports that nothing listens on now. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** `'` in a text between `'`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A reader's machine: an empty directory, a home of its own, `kz` in PATH. */
class Reader implements AsyncDisposable {
  /** All that any command wrote. */
  seen = "";
  readonly dir: string;
  readonly kz: string;
  readonly #home: string;
  readonly #env: Record<string, string>;
  readonly #servers: { readonly child: Deno.ChildProcess; readonly heard: Promise<void> }[] = [];

  constructor(home: string, env: Record<string, string>) {
    this.#home = home;
    this.dir = `${home}/work`;
    this.kz = `${home}/bin/kz`;
    this.#env = { ...env, PATH: `${home}/bin:${env["PATH"]}` };
  }

  static async create(): Promise<Reader> {
    const home = await makeHome();
    const { file, args, env } = await kzCommand([], home);
    const reader = new Reader(home, env);
    for (const directory of [reader.dir, `${home}/bin`]) await Deno.mkdir(directory);
    await Deno.writeTextFile(reader.kz, `#!/bin/sh\nexec ${[file, ...args].map(quoted).join(" ")} "$@"\n`);
    await Deno.chmod(reader.kz, 0o755);
    return reader;
  }

  #command(file: string, args: readonly string[], streams: Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">) {
    return new Deno.Command(file, { args: [...args], cwd: this.dir, env: this.#env, clearEnv: true, ...streams });
  }

  /** @returns What a block wrote to standard output. */
  async run(text: string): Promise<string> {
    const { success, stdout, stderr } = await this.#command("sh", ["-ec", text], { stdin: "null" }).output();
    const [out, error] = [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
    this.seen += out + error;
    assert.ok(success, `${text}\n${error}`);
    return out;
  }

  /** "In a terminal of its own." Waits until the server has said where its audit log is, which is its last word. */
  async start(text: string): Promise<void> {
    const child = this.#command("sh", ["-ec", `exec ${text}`], { stdout: "null", stderr: "piped" }).spawn();
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(() => ready.reject(new Error(`The server did not start: ${this.seen}`)), START_TIMEOUT_MS);
    const listen = async () => {
      for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
        this.seen += piece;
        if (/audit log: /.test(piece)) ready.resolve();
      }
      ready.reject(new Error(`The server ended: ${this.seen}`));
    };
    this.#servers.push({ child, heard: listen() });
    await ready.promise.finally(() => clearTimeout(timer));
  }

  /** As an MCP client starts a server, and has it fetch. */
  async fetchOverStdio(args: readonly string[]): Promise<string> {
    const child = this.#command(this.kz, args, { stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
    const agent = await McpClient.connect(child);
    const { text, isError } = await agent.call("fetch", FETCH);
    await agent[Symbol.asyncDispose]();
    await child.status;
    this.seen += agent.transcript;
    assert.equal(isError, false, text);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, heard } of this.#servers) {
      child.kill("SIGTERM");
      await Promise.all([child.status, heard]);
    }
    await Deno.remove(this.#home, { recursive: true });
  }
}

const FETCH = { resource: "github/pat", url: "https://api.github.com/user" };

async function fetchOverHttp(url: string): Promise<string> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const result = await client.callTool({ name: "fetch", arguments: FETCH });
  await client.close();
  return JSON.stringify(result);
}

Deno.test({
  name: "docs/server.md leads from nothing to resolve, fetch, MCP and the rest, as it is written [S-8.6]",
  ignore: Deno.build.os === "windows" || !PROGRAMS.every(hasProgram),
  async fn() {
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    await using reader = await Reader.create();
    await Deno.writeTextFile(`${reader.dir}/upstream-ca.pem`, upstream.caPem);
    const free = freePorts(PORTS.length);
    const page = PORTS.reduce((text, port, at) => text.replaceAll(port, String(free[at])), PAGE);
    for (const step of docSteps(page)) {
      await carryOut(step, reader, { defaultPort: free[0]!, upstreamPort: upstream.port });
    }
    // fetch, the proxy, both ways of MCP, and kz run.
    assert.deepEqual(
      upstream.seen.map(({ headers }) => headers["authorization"]),
      Array.from({ length: 5 }, () => `Bearer ${VALUE}`),
    );
    assert.equal(findForm(reader.seen, VALUE), undefined, "the value was written");
    for (const fact of ["Valid: bundle.yaml", '"valid": true', "0 different", "the subject's tokens", "Whole: "]) {
      assert.ok(reader.seen.includes(fact), fact);
    }
  },
});

/** A bundle's section by which api.github.com is played on this machine. */
const network = (port: number) =>
  `network:\n  upstream_ca: upstream-ca.pem\n  connect: { api.github.com: "127.0.0.1:${port}" }\n`;

async function carryOut(
  step: DocStep,
  reader: Reader,
  { defaultPort, upstreamPort }: { defaultPort: number; upstreamPort: number },
): Promise<void> {
  if (step.kind === "file") {
    await Deno.writeTextFile(`${reader.dir}/${step.name}`, step.text);
    if (step.name.endsWith("mcp.json")) await useMcp(step.text, reader);
  } else if (step.text.startsWith("kz server start")) {
    const listen = step.text.includes("--listen") ? "" : ` --listen 127.0.0.1:${defaultPort}`;
    await reader.start(step.text.trim() + listen);
  } else {
    const printed = await reader.run(step.text);
    if (step.prints !== undefined) {
      assert.ok(isAsShown(JSON.parse(printed), JSON.parse(step.prints)), `${step.text}\nprints\n${printed}`);
    }
    if (step.text.includes("> bundle.yaml")) {
      await Deno.writeTextFile(`${reader.dir}/bundle.yaml`, network(upstreamPort), { append: true });
    }
  }
}

/** What an MCP client makes of its configuration. */
async function useMcp(text: string, reader: Reader): Promise<void> {
  const { command, args, url } = JSON.parse(text).mcpServers.keyzero;
  if (url !== undefined) reader.seen += await fetchOverHttp(url);
  else {
    assert.equal(command, "kz");
    reader.seen += await reader.fetchOverStdio(args);
  }
}

/** Of the proxy, or of nothing that a caller can meet. */
const NOT_ANSWERED = new Set(["TOKEN_INVALID", "TOKEN_EXPIRED"]);

Deno.test("docs/server.md says what to do on every error of the server [S-4.3]", () => {
  const named = new Set(Array.from(PAGE.matchAll(/`([A-Z]+(?:_[A-Z]+)+|INTERNAL|OVERLOADED)`/g), ([, code]) => code));
  const codes = [...DENIAL_CODES, ...HTTP_PROBLEM_CODES].filter((code) => !NOT_ANSWERED.has(code));
  assert.deepEqual(codes.filter((code) => !named.has(code)), []);
});

const steps: [why: string, page: string, expected: DocStep[]][] = [
  ["a command", "a\n\n```sh\nls\n```\n", [{ kind: "sh", text: "ls\n", prints: undefined }]],
  ["what it prints", "```sh\nls\n```\n\nas:\n\n```json\n{}\n```\n", [{ kind: "sh", text: "ls\n", prints: "{}\n" }]],
  ["a file", "Its `a.yaml`:\n\n```yaml\nb: 1\n```\n", [{ kind: "file", name: "a.yaml", text: "b: 1\n" }]],
];
for (const [why, page, expected] of steps) {
  Deno.test(`docSteps() finds ${why}`, () => assert.deepEqual(docSteps(page), expected));
}

Deno.test("docSteps() refuses a block that nobody tries", () => {
  assert.throws(() => docSteps("```yaml\nb: 1\n```\n"), TypeError);
});

const shown: [why: string, actual: unknown, shown: unknown, isSo: boolean][] = [
  ["equal values", { a: [1, "b"] }, { a: [1, "b"] }, true],
  ["what is left out of a text", { a: "beginning and end" }, { a: "beg…end" }, true],
  ["another beginning", { a: "x beginning" }, { a: "beg…" }, false],
  ["a member more", { a: 1, b: 2 }, { a: 1 }, false],
  ["a member less", { a: 1 }, { a: 1, b: 2 }, false],
];
for (const [why, actual, expected, isSo] of shown) {
  Deno.test(`isAsShown() compares ${why}`, () => assert.equal(isAsShown(actual, expected), isSo));
}
