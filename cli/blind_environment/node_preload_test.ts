import assert from "node:assert/strict";
import { canRun, startBlindChildren } from "./testdata/blind_child.ts";
import { ANSWER, LARGE_BYTES, LARGE_PATH, PASSWORD, REFUSED_HOST, SILENT_HOST } from "./testdata/test_proxy.ts";

/** Before every script: `text()` reads a response, `get()` a URL with `http` or `https`. */
const PRELUDE = `
const http = require("http"), https = require("https"), net = require("net"), tls = require("tls");
const text = (response) => new Promise((resolve) => {
  let body = ""; response.on("data", (chunk) => body += chunk).on("end", () => resolve(response.statusCode + " " + body));
});
const get = (url, options = {}) => new Promise((resolve, reject) =>
  (url.startsWith("https") ? https : http).get(url, options, (response) => resolve(text(response))).on("error", reject));
const shown = (error) => [error.code, error.message, error.cause && error.cause.code, error.cause && error.cause.message]
  .filter(Boolean).join(" | ");
`;

const OK = `200 ${ANSWER}`;
const REFUSAL = `Cannot connect to ${REFUSED_HOST}:443: the KeyZero proxy answered 403 POLICY_HOST_DENIED`;

interface Row {
  readonly name: string;
  /** The body of an async function; what it returns is printed. */
  readonly script: string;
  readonly printed: string;
  /** What came to the proxy, tunnels left out. */
  readonly seen: readonly string[];
}

const GET = "GET https://api.example.test/";
const ROWS: readonly Row[] = [
  { name: "https.get", script: `return get("https://api.example.test/")`, printed: OK, seen: [GET] },
  {
    name: "http.get in absolute form",
    script: `return get("http://api.example.test/a?b=c")`,
    printed: OK,
    seen: ["GET http://api.example.test/a?b=c"],
  },
  {
    name: "http with a port and headers as an array, which are text before they reach an agent",
    script: `return get("http://api.example.test:8080/", { headers: ["Host", "api.example.test:8080", "X-A", "1"] })`,
    printed: OK,
    seen: ["GET http://api.example.test:8080/"],
  },
  {
    name: "http to loopback, which the proxy decides about",
    script: `return get("http://127.0.0.1:9/")`,
    printed: OK,
    seen: ["GET http://127.0.0.1:9/"],
  },
  {
    name: "fetch",
    script: `return (await fetch("https://api.example.test/")).text()`,
    printed: ANSWER,
    seen: [GET],
  },
  {
    name: "fetch of plain http, with a body",
    script: `return (await fetch("http://api.example.test/", { method: "POST", body: "x".repeat(70000) })).text()`,
    printed: ANSWER,
    seen: ["POST http://api.example.test/"],
  },
  {
    name: "an agent with roots of its own",
    script: `return get("https://api.example.test/", { agent: new https.Agent({ ca: tls.rootCertificates[0] }) })`,
    printed: OK,
    seen: [GET],
  },
  {
    name: "a keep-alive agent, which uses one tunnel for all",
    script: `const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      return Promise.all([1, 2, 3].map(() => get("https://api.example.test/", { agent }))).then((all) => all.length)`,
    printed: "3",
    seen: [GET, GET, GET],
  },
  {
    name: "an address as host",
    script: `return get("https://192.0.2.7/")`,
    printed: OK,
    seen: ["GET https://192.0.2.7/"],
  },
  {
    name: "a connection that the caller makes itself, as ws does",
    script: `return get("https://api.example.test/", { createConnection: (options) =>
      tls.connect({ ...options, path: undefined, servername: options.host }) })`,
    printed: OK,
    seen: [GET],
  },
  {
    name: "a library that asks the proxy for https in clear text, as axios did",
    script: `const { hostname, port } = new URL(process.env.HTTPS_PROXY);
      return get("http://proxy", { hostname, port, path: "https://api.example.test/", headers: {
        Host: "api.example.test", "Proxy-Authorization": "Basic eDp5" } })`,
    printed: OK,
    seen: [GET],
  },
  {
    name: "an ES module's named import",
    script: `const { default: run } = await import("data:text/javascript," + encodeURIComponent(\`
      import { connect } from "node:tls";
      export default () => new Promise((resolve) => {
        const socket = connect({ host: "api.example.test", port: 443, ALPNProtocols: ["http/1.1"] }, () => {
          socket.end(); resolve("secure");
        });
      })\`));
      return run()`,
    printed: "secure",
    seen: [],
  },
  {
    name: "a worker thread",
    script: `const { Worker } = require("worker_threads");
      return new Promise((resolve) => new Worker(\`require("https").get("https://api.example.test/", (response) => {
        response.resume(); require("worker_threads").parentPort.postMessage(response.statusCode) })\`, { eval: true })
        .on("message", resolve))`,
    printed: "200",
    seen: [GET],
  },
  {
    name: "a child process",
    script: `return String(require("child_process").execFileSync(process.execPath, ["-e",
      'require("https").get("https://api.example.test/", (r) => { r.resume(); process.stdout.write("child " + r.statusCode) })']))`,
    printed: "child 200",
    seen: [GET],
  },
  {
    name: "a large body, read slowly",
    script: `return new Promise((resolve) => https.get("https://api.example.test${LARGE_PATH}", (response) => {
      let bytes = 0;
      response.on("data", (chunk) => { bytes += chunk.length; response.pause(); setImmediate(() => response.resume()); });
      response.on("end", () => resolve(bytes)) }))`,
    printed: String(LARGE_BYTES),
    seen: [`GET https://api.example.test${LARGE_PATH}`],
  },
  {
    name: "a refusal, as an error with host, status and code (https)",
    script: `return get("https://${REFUSED_HOST}/").catch(shown)`,
    printed: `ERR_PROXY_TUNNEL | ${REFUSAL}`,
    seen: [],
  },
  {
    name: "a refusal, as an error with host, status and code (fetch)",
    script: `return fetch("https://${REFUSED_HOST}/").catch(shown)`,
    printed: `fetch failed | ERR_PROXY_TUNNEL | ${REFUSAL}`,
    seen: [],
  },
  {
    name: "an agent's time limit, while the proxy is silent",
    script:
      `return new Promise((resolve) => { const request = https.get("https://${SILENT_HOST}/", { agent: new https.Agent({ timeout: 50 }) });
      request.on("timeout", () => request.destroy()).on("error", (error) => resolve(error.code)) })`,
    printed: "ECONNRESET",
    seen: [],
  },
  {
    name: "HTTP/2 alone, which fails and does not go round",
    script: `return new Promise((resolve) => require("http2").connect("https://api.example.test")
      .on("error", () => resolve("refused")).on("connect", () => resolve("connected")))`,
    printed: "refused",
    seen: [],
  },
  {
    name: "not: local TCP, a server, a unix socket and TLS that is not HTTP",
    script: `const { once } = require("events");
      const echo = net.createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
      await once(echo, "listening");
      const client = net.connect(echo.address().port, "127.0.0.1");
      client.end("tcp");
      const tcp = String((await once(client, "data"))[0]);
      const path = require("path").join(require("os").tmpdir(), "kz-test-" + process.pid + ".sock");
      const server = http.createServer((_, response) => response.end("unix")).listen(path);
      await once(server, "listening");
      const unix = await new Promise((resolve) => http.get({ socketPath: path, path: "/" }, (response) => resolve(text(response))));
      const direct = tls.connect({ port: echo.address().port, host: "127.0.0.1" });
      const error = (await once(direct, "error").catch((error) => [error]))[0];
      echo.close(); server.close();
      return [tcp, unix, error.code !== "ERR_PROXY_TUNNEL"].join()`,
    printed: "tcp,200 unix,true",
    seen: [],
  },
];

const NODE = canRun("node");
/** Node 18 and later. */
const FETCH = canRun("node", ["-e", "fetch"]);

for (const row of ROWS) {
  Deno.test({
    name: `The Node preload routes ${row.name}`,
    ignore: !NODE || (row.script.includes("fetch(") && !FETCH),
    async fn() {
      await using children = await startBlindChildren();
      const program =
        `${PRELUDE}(async () => { ${row.script} })().then((value) => process.stdout.write(String(value)))`;
      const ended = await children.run("node", ["-e", program]);
      assert.equal(ended.stdout, row.printed, ended.stderr);
      assert.equal(ended.stderr, "");
      assert.equal(ended.code, 0);
      const { seen } = children.proxy;
      assert.deepEqual(
        seen.map((each) => each.request).filter((request) => !request.startsWith("CONNECT")),
        row.seen,
      );
      assert.ok(seen.every((each) => each.authorized));
      assert.ok(!(ended.stdout + ended.stderr).includes(PASSWORD));
    },
  });
}

Deno.test({
  name: "The Node preload stands beside the user's NODE_OPTIONS",
  ignore: !NODE,
  async fn() {
    await using children = await startBlindChildren({ nodeOptions: "--title=mine --no-warnings" });
    const ended = await children.run("node", [
      "-e",
      `require("https").get("https://api.example.test/", (r) => { r.resume(); console.log(process.title, r.statusCode) })`,
    ]);
    assert.equal(ended.stdout, "mine 200\n", ended.stderr);
  },
});

Deno.test({
  name: "The Node preload does nothing without a proxy",
  ignore: !NODE,
  async fn() {
    await using children = await startBlindChildren();
    const { stdout, stderr } = await new Deno.Command("node", {
      args: ["-e", `process.stdout.write(String(require("tls").connect.toString().includes("Tunnel")))`],
      clearEnv: true,
      env: { PATH: children.environment["PATH"]!, NODE_OPTIONS: children.environment["NODE_OPTIONS"]! },
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "false", new TextDecoder().decode(stderr));
  },
});
