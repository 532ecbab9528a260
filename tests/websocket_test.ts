/**
 * WebSockets of whole blind runs: npm's `ws` in Node as client and as server, over TLS, both with permessage-deflate on.
 */
import assert from "node:assert/strict";
import { API_HOST } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak } from "./support/project.ts";
import { makeWsProject, type WsProject } from "./support/ws_upstream.ts";

const NODE = hasProgram("node");
const TOKEN_REGEXP = /kz_masked_[0-9a-f]{32}/;

/** A Node program; `open(path)` connects with the token, `next()` is the next message, what it returns is printed. */
function program({ wsPath }: WsProject, script: string): string[] {
  return [
    "node",
    "-e",
    `const { WebSocket } = require(${JSON.stringify(wsPath)});
     const token = process.env.API_TOKEN;
     const messages = [], waiting = [];
     const open = (path = "/", options = {}) => new Promise((resolve, reject) => {
       const ws = new WebSocket("wss://${API_HOST}" + path, { headers: { authorization: "Bearer " + token }, ...options });
       ws.on("message", (data, isBinary) => (waiting.shift() || ((each) => messages.push(each)))(data.toString("latin1")));
       ws.on("open", () => resolve(ws)).on("error", reject);
     });
     const next = () => messages.length > 0 ? messages.shift() : new Promise((resolve) => waiting.push(resolve));
     const closed = (ws) => new Promise((resolve) => ws.on("close", (code, reason) => resolve([code, String(reason)])));
     (async () => { ${script} })().then((value) => process.stdout.write(JSON.stringify(value)));`,
  ];
}

Deno.test({
  name: "kz run --blind: ws sends a token in its handshake and gets answers, without permessage-deflate",
  ignore: !NODE,
  async fn() {
    await using socket = await makeWsProject();
    const { status, stdout, stderr } = await socket.blind(program(
      socket,
      `const ws = await open();
       ws.send("hello"); const text = await next();
       ws.send(Buffer.from([0, 255])); const binary = await next();
       const pong = new Promise((resolve) => ws.on("pong", (data) => resolve(String(data))));
       ws.ping("beat"); const beat = await pong;
       const end = closed(ws); ws.close(4001, "done");
       return { text, binary, beat, extensions: ws.extensions, end: await end };`,
    ));
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      text: "hello",
      binary: "\0\xff",
      beat: "beat",
      extensions: "",
      end: [4001, "done"],
    });
    assert.deepEqual(await socket.event("opened"), {
      opened: `Bearer ${socket.value}`,
      extensions: "",
      protocol: "",
    });
    assert.deepEqual(await socket.event("closed"), { closed: 4001, reason: "done" });
    assert.deepEqual(socket.events.filter(({ message }) => message !== undefined), [
      { message: "hello", isBinary: false },
      { message: "\0\xff", isBinary: true },
    ]);
    assertNoLeak(socket.value, stdout + stderr, "the client's output");
  },
});

Deno.test({
  name: 'kz run --blind: ws sends a token in text messages, whole and in fragments, where "in" says websocket',
  ignore: !NODE,
  async fn() {
    await using socket = await makeWsProject('in = ["header", "websocket"]');
    const { status, stdout, stderr } = await socket.blind(program(
      socket,
      `const ws = await open();
       ws.send(JSON.stringify({ op: "auth", token })); const whole = await next();
       for (const char of "PASS " + token) ws.send(char, { fin: false });
       ws.send("", { fin: true }); const fragments = await next();
       const large = "x".repeat(3e6);
       ws.send(large); const same = await next() === large;
       ws.close(); await closed(ws);
       return { whole, fragments, same };`,
    ));
    assert.equal(status, 0, stderr);
    const { whole, fragments, same } = JSON.parse(stdout);
    assert.match(whole, new RegExp(`^{"op":"auth","token":"${TOKEN_REGEXP.source}"}$`));
    assert.match(fragments, new RegExp(`^PASS ${TOKEN_REGEXP.source}$`));
    assert.equal(same, true);
    assert.deepEqual(socket.events.filter(({ message }) => message !== undefined).slice(0, 2), [
      { message: JSON.stringify({ op: "auth", token: socket.value }), isBinary: false },
      { message: `PASS ${socket.value}`, isBinary: false },
    ]);
    assertNoLeak(socket.value, stdout + stderr, "the client's output");
  },
});

Deno.test({
  name: "TM-03 kz run --blind: what the server of a WebSocket echoes in fragments holds no value",
  ignore: !NODE,
  async fn() {
    await using socket = await makeWsProject();
    const { status, stdout, stderr } = await socket.blind(program(
      socket,
      `const ws = await open();
       ws.send("in fragments"); await next();
       const echo = await next();
       ws.close(); await closed(ws);
       return echo;`,
    ));
    assert.equal(status, 0, stderr);
    assert.match(JSON.parse(stdout), new RegExp(`^<Bearer ${TOKEN_REGEXP.source}>$`));
    assertNoLeak(socket.value, stdout + stderr, "the client's output");
  },
});

Deno.test({
  name: "TM-05 kz run --blind: a token in a message that is not granted closes the WebSocket and tells both sides why",
  ignore: !NODE,
  async fn() {
    await using socket = await makeWsProject();
    const { status, stdout, stderr } = await socket.blind(program(
      socket,
      `const ws = await open();
       const end = closed(ws);
       ws.send(JSON.stringify({ token }));
       return end;`,
    ));
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), [1008, "PROXY_TOKEN_MISPLACED"]);
    assert.match(stderr, /^kz: refused\[PROXY_TOKEN_MISPLACED\]: GET api\.test:443 \(secret API_TOKEN\)/m);
    assert.deepEqual(await socket.event("closed"), { closed: 1006, reason: "" });
    assert.ok(!socket.events.some(({ message }) => message !== undefined));
    assertNoLeak(socket.value, stdout + stderr, "the client's output");
  },
});

Deno.test({
  name: "TM-01 kz run --blind: a WebSocket handshake that the server refuses is an answer without the value",
  ignore: !NODE,
  async fn() {
    await using socket = await makeWsProject();
    const { status, stdout, stderr } = await socket.blind(program(
      socket,
      `const ws = new WebSocket("wss://${API_HOST}/denied", { headers: { authorization: "Bearer " + token } });
       return new Promise((resolve) => ws.on("unexpected-response", (_, response) => {
         let body = "";
         response.on("data", (part) => body += part).on("end", () => {
           resolve([response.statusCode, body]);
         });
       }));`,
    ));
    assert.equal(status, 0, stderr);
    const [code, body] = JSON.parse(stdout);
    assert.equal(code, 401);
    assert.match(body, new RegExp(`^not allowed: Bearer ${TOKEN_REGEXP.source}$`));
    assertNoLeak(socket.value, stdout + stderr, "the client's output");
  },
});

Deno.test({
  name: "kz run --blind: Deno's WebSocket sends a token in a text message through the proxy",
  ignore: !NODE,
  async fn() {
    await using socket = await makeWsProject('in = "websocket"');
    const { status, stdout, stderr } = await socket.blind([
      Deno.execPath(),
      "eval",
      "--no-config",
      `const ws = new WebSocket("wss://${API_HOST}/");
       ws.onopen = () => ws.send("PASS " + Deno.env.get("API_TOKEN"));
       ws.onmessage = ({ data }) => { console.log(data); ws.close(); };
       ws.onerror = ({ message }) => console.log(message);`,
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^PASS ${TOKEN_REGEXP.source}\n$`));
    assert.equal((await socket.event("message"))["message"], `PASS ${socket.value}`);
    assertNoLeak(socket.value, stdout + stderr, "the client's output");
  },
});
