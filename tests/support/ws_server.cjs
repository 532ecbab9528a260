/**
 * A WebSocket server as programs have it: npm `ws` over TLS in Node, with permessage-deflate on.
 *
 * Arguments: the path of `ws`, of the certificate, of the key. Prints its port, then a line of JSON for all that comes.
 */
const [wsPath, certFile, keyFile] = process.argv.slice(2);
const { readFileSync } = require("node:fs");
const { WebSocketServer } = require(wsPath);

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const server = require("node:https").createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });

server.on("upgrade", (request, socket, head) => {
  const { authorization = "" } = request.headers;
  if (request.url === "/denied") {
    const body = `not allowed: ${authorization}`;
    socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    return;
  }
  sockets.handleUpgrade(request, socket, head, (ws) => {
    tell({ opened: authorization, extensions: ws.extensions, protocol: ws.protocol });
    ws.on("message", (data, isBinary) => {
      tell({ message: data.toString("latin1"), isBinary });
      ws.send(data, { binary: isBinary });
      if (data.toString() !== "in fragments") return;
      for (const char of `<${authorization}>`) ws.send(char, { fin: false });
      ws.ping("beat");
      ws.send("", { fin: true });
    });
    ws.on("ping", (data) => tell({ ping: data.toString("latin1") }));
    ws.on("close", (code, reason) => tell({ closed: code, reason: reason.toString("latin1") }));
    ws.on("error", () => {});
  });
});
server.listen(0, "127.0.0.1", () => tell({ port: server.address().port }));
