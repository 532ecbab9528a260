/**
 * A gRPC server as programs have it: `@grpc/grpc-js` over TLS in Node. Without protobuf: a message is text.
 *
 * Arguments: the path of grpc-js, of the certificate, of the key; `EXPECTED` in the environment is the value that a call
 * must carry. Prints its port, then a line of JSON for all that comes.
 */
const [grpcPath, certFile, keyFile] = process.argv.slice(2);
const { readFileSync } = require("node:fs");
const { gzipSync } = require("node:zlib");
const grpc = require(grpcPath);

const expected = process.env.EXPECTED;
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const same = (bytes) => bytes;

/** Tells of a call; false if it may not be answered. */
function admit(name, call) {
  const metadata = call.metadata.getMap();
  tell({ call: name, metadata });
  call.on("cancelled", () => tell({ cancelled: name }));
  return metadata.authorization === `Bearer ${expected}` || metadata["x-api-key"] === expected;
}

const REFUSED = { code: grpc.status.UNAUTHENTICATED, details: "no valid credentials" };

/** What came in `authorization`, for every place that an answer has. */
function credentials(call) {
  return String(call.metadata.get("authorization")[0] ?? call.metadata.get("x-api-key")[0]);
}

function metadataWith(key, value) {
  const metadata = new grpc.Metadata();
  metadata.set(key, value);
  return metadata;
}

/** A request of one message, an answer of one: what `answer` returns, which may throw a status. */
const unary = (name, answer) => [false, false, (call, callback) => {
  if (!admit(name, call)) return callback(REFUSED);
  tell({ message: call.request.toString(), to: name });
  try {
    callback(null, Buffer.from(answer(call)), metadataWith("x-trailer", credentials(call)));
  } catch (status) {
    callback(status);
  }
}];

const METHODS = {
  /** Shows what it was sent in header, message and trailer. */
  Echo: unary("Echo", (call) => {
    call.sendMetadata(metadataWith("x-header", credentials(call)));
    return JSON.stringify({ metadata: call.metadata.getMap(), message: call.request.toString() });
  }),
  /** The credentials, as often as the message says. */
  Repeat: unary("Repeat", (call) => credentials(call).repeat(Number(call.request))),
  /** Says that its messages may be compressed, and one is. */
  Compressed: unary("Compressed", (call) => {
    call.sendMetadata(metadataWith("grpc-encoding", "gzip"));
    return gzipSync(credentials(call));
  }),
  /** Ends with an error that quotes the credentials, in text and in the binary field that carries details. */
  Fail: unary("Fail", (call) => {
    const metadata = metadataWith("grpc-status-details-bin", Buffer.from(`\x08\x07 ${credentials(call)}`));
    throw { code: grpc.status.PERMISSION_DENIED, details: `no rights: ${credentials(call)}`, metadata };
  }),
  /** Ten messages, then an error if the request asks for one. */
  Watch: [false, true, (call) => {
    if (!admit("Watch", call)) return call.emit("error", REFUSED);
    for (let number = 1; number <= 10; number++) call.write(Buffer.from(`${number} ${credentials(call)}`));
    if (call.request.toString() !== "fail") return call.end(metadataWith("x-trailer", credentials(call)));
    call.emit("error", { code: grpc.status.PERMISSION_DENIED, details: `no more: ${credentials(call)}` });
  }],
  /** The sum of the numbers that came. */
  Sum: [true, false, (call, callback) => {
    if (!admit("Sum", call)) return callback(REFUSED);
    let sum = 0;
    call.on("data", (message) => {
      tell({ message: message.toString().trim(), to: "Sum" });
      sum += Number(message);
    });
    call.on("end", () => callback(null, Buffer.from(`${sum} ${credentials(call)}`)));
  }],
  /** Answers each message as it comes. */
  Chat: [true, true, (call) => {
    if (!admit("Chat", call)) return call.emit("error", REFUSED);
    call.on("data", (message) => {
      tell({ message: message.toString(), to: "Chat" });
      call.write(Buffer.from(`answer to ${message} for ${credentials(call)}`));
    });
    call.on("end", () => {
      tell({ ended: "Chat" });
      call.end();
    });
    call.on("error", () => {});
  }],
};

const server = new grpc.Server();
const entries = Object.entries(METHODS);
server.addService(
  Object.fromEntries(entries.map(([name, [requestStream, responseStream]]) => [name, {
    path: `/test.Api/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }])),
  Object.fromEntries(entries.map(([name, [, , handle]]) => [name, handle])),
);
const pair = { cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) };
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createSsl(null, [pair]), (error, port) => {
  if (error) throw error;
  tell({ port });
});
