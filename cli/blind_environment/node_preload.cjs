/**
 * Loaded into every Node program of a blind run (`NODE_OPTIONS=--require …`): sends its HTTP and HTTPS through our proxy.
 *
 * Node before 22.21 and 24.5 ignores `HTTPS_PROXY`. Later ones obey it if told so, but only in their default agents, warn
 * on the program's stderr, tunnel plain HTTP and print the proxy's password in errors; so that one way serves them all.
 *
 * - TLS that is made for HTTP (`https`, `fetch`, undici, `ws`, any agent): `tls.connect` goes through a CONNECT tunnel.
 * - Plain HTTP by `http` or `fetch`: the request goes to the proxy in absolute form.
 * - Everything else (sockets, servers, databases, TLS that is not HTTP) is left alone.
 *
 * Runs on Node 12 and later, so that its syntax is that of 2019. Holds no state and prints nothing.
 *
 * @see RFC 9110 §9.3.6 (CONNECT), RFC 9112 §3.2.2 (absolute-form)
 */
"use strict";

const fs = require("fs");
const http = require("http");
const https = require("https");
const net = require("net");
const { Duplex } = require("stream");
const tls = require("tls");

/** A refusal's body is a short JSON text; what is longer is not ours. */
const MAX_REFUSAL_BYTES = 4096;
/** Where undici keeps the dispatcher that `fetch` uses; the name has a number for its generation. */
const DISPATCHERS = [Symbol.for("undici.globalDispatcher.1"), Symbol.for("undici.globalDispatcher.2")];
const ROUTED = Symbol("routed through the KeyZero proxy");

// Deno loads this file as well and obeys the variables by itself; its `node:tls` is not to be touched.
const proxy = process.versions.deno === undefined ? readProxy(process.env.HTTPS_PROXY) : undefined;
if (proxy !== undefined) {
  routeTls();
  routeHttp();
  routeFetch();
  // `import { connect } from "node:tls"` then finds the same functions; Node 12.12 and later.
  const { syncBuiltinESMExports } = require("module");
  if (syncBuiltinESMExports !== undefined) syncBuiltinESMExports();
}

function readProxy(text) {
  try {
    const url = new URL(text);
    if (url.protocol !== "http:") return undefined;
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return {
      host: url.hostname,
      port: Number(url.port || 80),
      authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
    };
  } catch (_) {
    return undefined; // No proxy, or none of ours.
  }
}

function routeTls() {
  const connectDirectly = tls.connect;
  let caPem;

  tls.connect = function connect(...args) {
    const options = httpTlsOptions(args);
    if (options === undefined) return connectDirectly.apply(this, args);

    const tunnel = new Tunnel(authorityOf(options.host || options.hostname || "localhost", options.port || 443));
    const routed = Object.assign({}, options, { socket: tunnel });
    if (options.ca !== undefined && options.ca !== null) {
      // Own roots replace the default ones, ours among them.
      if (caPem === undefined) caPem = fs.readFileSync(process.env.NODE_EXTRA_CA_CERTS, "utf8");
      routed.ca = [].concat(options.ca, caPem);
    }
    const callback = args[args.length - 1];
    const socket = connectDirectly.call(tls, routed, typeof callback === "function" ? callback : undefined);
    tunnel.onFailure = (error) => socket.destroy(error);
    socket.once("close", () => tunnel.destroy());
    if (options.timeout) socket.setTimeout(options.timeout);
    // An idle connection must not keep the program alive; TLS over a stream that is not a handle has nothing to unref.
    socket.ref = () => (tunnel.carrier.ref(), socket);
    socket.unref = () => (tunnel.carrier.unref(), socket);
    return socket;
  };
}

/** The options of a TLS connection that is made for HTTP and has no socket of its own yet; else `undefined`. */
function httpTlsOptions(args) {
  const options = Object.assign({}, args.find((arg) => typeof arg === "object" && arg !== null));
  if (typeof args[0] === "number") {
    options.port = args[0];
    if (typeof args[1] === "string") options.host = args[1];
  }
  if (options.socket || options.path || options.socketPath) return undefined;
  const protocols = [].concat(options.ALPNProtocols || []);
  // `_defaultAgent` and `_agentKey` are put there by `https.request` and by agents, in every version of Node.
  const isHttp = options._defaultAgent !== undefined || options._agentKey !== undefined ||
    protocols.includes("http/1.1") || protocols.includes("h2");
  return isHttp ? options : undefined;
}

/** The bytes of one CONNECT tunnel. What is written before the tunnel stands waits for it. */
class Tunnel extends Duplex {
  constructor(authority) {
    super();
    this.onFailure = undefined;
    this.carrier = net.connect(proxy.port, proxy.host);
    this.waiting = undefined;
    this.open = false;
    const request = http.request({
      method: "CONNECT",
      path: authority,
      headers: { Host: authority, "Proxy-Authorization": proxy.authorization },
      createConnection: () => this.carrier,
    });
    request.once("error", (error) => this.fail(error));
    request.once("connect", (response, _socket, head) => {
      if (response.statusCode === 200) this.start(head);
      else readRefusal(response, this.carrier, head, (reason) => this.fail(refusal(authority, reason)));
    });
    request.end();
  }

  start(head) {
    const { carrier } = this;
    this.open = true;
    carrier.on("data", (chunk) => this.push(chunk) || carrier.pause());
    carrier.on("end", () => this.push(null));
    carrier.on("error", (error) => this.fail(error));
    carrier.on("close", () => this.destroy());
    if (head.length > 0) carrier.unshift(head);
    if (this.waiting !== undefined) this.waiting();
    carrier.resume();
  }

  fail(error) {
    if (this.onFailure !== undefined) this.onFailure(error);
    this.destroy();
  }

  _read() {
    if (this.open) this.carrier.resume();
  }

  _write(chunk, _encoding, done) {
    if (this.open) this.carrier.write(chunk, done);
    else this.waiting = () => this.carrier.write(chunk, done);
  }

  _final(done) {
    this.carrier.end();
    done();
  }

  _destroy(error, done) {
    this.carrier.destroy();
    done(error);
  }
}

/** Calls `done` with the status and, if the body names one, the proxy's error code. */
function readRefusal(response, carrier, head, done) {
  const length = Math.min(Number(response.headers["content-length"]) || 0, MAX_REFUSAL_BYTES);
  let body = head;
  const finish = () => {
    const code = /"code"\s*:\s*"([A-Z0-9_]{1,64})"/.exec(body.toString("latin1"));
    done(code === null ? String(response.statusCode) : `${response.statusCode} ${code[1]}`);
  };
  if (body.length >= length) return finish();
  carrier.on("error", () => {}); // "close" follows.
  carrier.once("close", finish);
  carrier.on("data", (chunk) => {
    body = Buffer.concat([body, chunk]);
    if (body.length >= length) carrier.destroy();
  });
  carrier.resume();
}

function refusal(authority, reason) {
  const error = new Error(`Cannot connect to ${authority}: the KeyZero proxy answered ${reason}`);
  error.code = "ERR_PROXY_TUNNEL"; // As Node's own proxy support names it.
  return error;
}

function routeHttp() {
  const addRequest = http.Agent.prototype.addRequest;

  http.Agent.prototype.addRequest = function (request, options, ...legacy) {
    if (typeof options !== "object" || options === null || options.socketPath || request.method === "CONNECT") {
      return addRequest.call(this, request, options, ...legacy);
    }
    const toProxy = options.host === proxy.host && Number(options.port) === proxy.port;
    if (toProxy && request.path.startsWith("https://")) return addTunnelled(request, options);
    const secure = this instanceof https.Agent || options.protocol === "https:" ||
      options._defaultAgent === https.globalAgent || options.secureEndpoint === true;
    if (secure || toProxy || !/^[/*]/.test(request.path)) return addRequest.call(this, request, options, ...legacy);

    const path = request.path === "*" ? "" : request.path;
    const target = `http://${authorityOf(options.host || "localhost", options.port || 80, 80)}${path}`;
    setTarget(request, target, `Proxy-Authorization: ${proxy.authorization}`);
    const routed = { host: proxy.host, hostname: proxy.host, port: proxy.port, lookup: undefined };
    return addRequest.call(this, request, Object.assign({}, options, routed));
  };

  /** axios before 1.14 and others ask a proxy for `https://` in clear text; they mean a tunnel. */
  function addTunnelled(request, options) {
    const url = new URL(request.path);
    setTarget(request, `${url.pathname}${url.search}`);
    request.removeHeader("Proxy-Authorization");
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const routed = { host, hostname: host, port: Number(url.port || 443), protocol: "https:", servername: undefined };
    return https.globalAgent.addRequest(
      request,
      Object.assign({}, options, routed, { defaultPort: 443, _defaultAgent: https.globalAgent }),
    );
  }
}

/** Changes a request's target, and adds a header line, before it is sent; headers given as an array are text by then. */
function setTarget(request, target, header) {
  request.path = target;
  if (request._header) {
    const added = header === undefined ? "" : `\r\n${header}`;
    request._header = request._header.replace(/^(\S+) \S+ (\S+)/, (_, method, version) => {
      return `${method} ${target} ${version}${added}`;
    });
  } else if (header !== undefined) {
    const colon = header.indexOf(":");
    request.setHeader(header.slice(0, colon), header.slice(colon + 2));
  }
}

/** `fetch` reaches TLS by `tls.connect`; its plain HTTP is turned at the dispatcher, which Node loads with the first call. */
function routeFetch() {
  const fetch = globalThis.fetch;
  if (typeof fetch !== "function") return;
  Object.defineProperty(globalThis, "fetch", {
    configurable: true,
    enumerable: true,
    writable: true,
    value: function (input, init) {
      void globalThis.Headers;
      DISPATCHERS.map((symbol) => globalThis[symbol]).forEach(routeDispatcher);
      return fetch(input, init);
    },
  });
  Object.defineProperty(globalThis.fetch, "name", { value: "fetch" });
}

function routeDispatcher(dispatcher) {
  if (dispatcher === undefined || dispatcher[ROUTED]) return;
  const dispatch = dispatcher.dispatch;
  dispatcher[ROUTED] = true;
  dispatcher.dispatch = function (options, handler) {
    return dispatch.call(this, absoluteForm(options), handler);
  };
}

function absoluteForm(options) {
  const origin = String(options.origin);
  if (!origin.startsWith("http://") || !options.path.startsWith("/")) return options;
  const { host } = new URL(origin);
  const headers = headerList(options.headers);
  if (!headers.some((item, index) => index % 2 === 0 && /^host$/i.test(String(item)))) headers.push("host", host);
  headers.push("proxy-authorization", proxy.authorization);
  return Object.assign({}, options, {
    origin: `http://${proxy.host}:${proxy.port}`,
    path: `http://${host}${options.path}`,
    headers,
  });
}

/** undici takes names and values in turn, pairs, or an object. */
function headerList(headers) {
  if (headers === undefined || headers === null) return [];
  const items = typeof headers[Symbol.iterator] === "function" ? Array.from(headers) : Object.entries(headers);
  if (Array.isArray(headers) && !Array.isArray(items[0])) return items;
  return [].concat(...items.map((pair) => [pair[0], pair[1]]));
}

function authorityOf(host, port, defaultPort) {
  const name = net.isIPv6(host) ? `[${host}]` : host;
  return Number(port) === defaultPort ? name : `${name}:${port}`;
}
