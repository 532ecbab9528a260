/**
 * A gRPC client as programs have it: `@grpc/grpc-js` in Node. Without protobuf: a message is text.
 *
 * Each kind of call is made by the function of grpc-js for that kind, with the token of `API_TOKEN` as a bearer token
 * unless it is given other metadata. Its result is all that the program can see: `{ header, messages, trailer, code,
 * details, ms }`.
 */
/** Every call ends by then; a test that waits for it fails by the code. */
const DEADLINE_MS = 20_000;
/** Whatever happens, the program ends. */
const PROGRAM_MS = 45_000;

const same = (bytes) => bytes;

/** Text of binary fields too, so that a value in them is seen. */
function textOf(metadata) {
  return Object.fromEntries(
    Object.entries(metadata.getMap()).map(([key, value]) => [key, Buffer.from(value).toString("latin1")]),
  );
}

module.exports = (grpcPath, target, channelOptions = {}) => {
  const grpc = require(grpcPath);
  setTimeout(() => process.exit(99), PROGRAM_MS).unref();
  const token = process.env.API_TOKEN;
  const client = new grpc.Client(target, grpc.credentials.createSsl(), channelOptions);
  const bearer = { authorization: `Bearer ${token}` };

  /** Makes a call, and collects what it shows. */
  function start(kind, name, fields, message) {
    const began = Date.now();
    const metadata = new grpc.Metadata();
    for (const [key, value] of Object.entries(fields)) metadata.set(key, value);
    const seen = { header: {}, messages: [], trailer: {} };
    const take = (bytes) => seen.messages.push(bytes.toString());
    const answered = kind === "makeUnaryRequest" || kind === "makeClientStreamRequest"
      ? [(_error, bytes) => bytes && take(bytes)]
      : [];
    const call = client[kind](
      `/test.Api/${name}`,
      same,
      same,
      ...(message === undefined ? [] : [Buffer.from(message)]),
      metadata,
      { deadline: began + DEADLINE_MS },
      ...answered,
    );
    call.on("metadata", (header) => seen.header = textOf(header));
    if (answered.length === 0) call.on("data", take);
    // The status says it too.
    call.on("error", () => {});
    const result = new Promise((resolve) =>
      call.on("status", ({ code, details, metadata }) => {
        resolve({ ...seen, trailer: textOf(metadata), code, details, ms: Date.now() - began });
      })
    );
    return { call, result };
  }

  return {
    token,
    bearer,
    print: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
    close: () => client.close(),
    unary: (name, message, fields = bearer) => start("makeUnaryRequest", name, fields, message).result,
    watch: (name, message, fields = bearer) => start("makeServerStreamRequest", name, fields, message).result,
    sum: (name, messages, fields = bearer) => {
      const { call, result } = start("makeClientStreamRequest", name, fields);
      for (const message of messages) call.write(Buffer.from(message));
      call.end();
      return result;
    },
    chat: (name, fields = bearer) => {
      const { call, result } = start("makeBidiStreamRequest", name, fields);
      const came = [], waiting = [];
      call.on("data", (bytes) => (waiting.shift() ?? ((each) => came.push(each)))(bytes.toString()));
      result.then(() => waiting.forEach((resolve) => resolve(undefined)));
      return {
        result,
        send: (message) => call.write(Buffer.from(message)),
        /** The next answer; undefined if the call ends before it. */
        next: () => came.length > 0 ? came.shift() : new Promise((resolve) => waiting.push(resolve)),
        end: () => call.end(),
        cancel: () => call.cancel(),
      };
    },
  };
};
