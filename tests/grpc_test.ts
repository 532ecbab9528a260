/**
 * gRPC of whole blind runs: `@grpc/grpc-js` in Node as client and as server, over TLS and HTTP/2 from end to end.
 */
import assert from "node:assert/strict";
import { installedVersion } from "./support/clients/listed_client.ts";
import { GRPC_JS, installGrpcJs } from "./support/grpc_js.ts";
import {
  type GrpcProgram,
  type GrpcProject,
  type GrpcProjectOptions,
  makeGrpcProject,
} from "./support/grpc_project.ts";
import { assertNoLeak, findLeak, makeCanary } from "./support/project.ts";

// requirement: P-3.1, P-5.1, P-5.2
const NO_GRPC_JS = installedVersion(GRPC_JS) === undefined;
const TOKEN_REGEXP = /^kz_masked_[0-9a-f]{32}$/;
/** Codes of gRPC. */
const [OK, DEADLINE_EXCEEDED, PERMISSION_DENIED, UNAUTHENTICATED] = [0, 4, 7, 16];
/** What is refused must end sooner; the deadline of the calls is 20 s. */
const SOON_MS = 5_000;

/** What a program saw of a call; see `grpc_client.cjs`. */
interface CallResult {
  readonly header: Readonly<Record<string, string>>;
  readonly messages: readonly string[];
  readonly trailer: Readonly<Record<string, string>>;
  readonly code: number;
  readonly details: string;
  readonly ms: number;
}

let installing: Promise<{ dir: string; path: string }> | undefined;

/** Installs grpc-js once for all tests. */
function grpcPath(): Promise<string> {
  installing ??= Deno.makeTempDir({ prefix: "kz-grpc-" }).then(async (dir) => ({
    dir,
    path: await installGrpcJs(dir),
  }));
  return installing.then(({ path }) => path);
}

Deno.test.afterAll(async () => {
  if (installing !== undefined) await Deno.remove((await installing).dir, { recursive: true });
});

async function makeProject(options?: GrpcProjectOptions): Promise<GrpcProject> {
  return await makeGrpcProject(await grpcPath(), options);
}

/** Runs a program that ends well and shows no value. @returns The lines that it printed, and standard error. */
async function run(grpc: GrpcProject, program: GrpcProgram) {
  const { status, stdout, stderr } = await grpc.blind(program);
  assertNoLeak(grpc.value, stdout + stderr, "the client's output");
  assert.equal(status, 0, stdout + stderr);
  return { lines: linesOf(stdout), stderr };
}

function linesOf(stdout: string) {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Runs a program that prints its token, then the result of one call. */
async function runCall(grpc: GrpcProject, program: GrpcProgram) {
  const { lines, stderr } = await run(grpc, { ...program, script: `print(token); ${program.script}` });
  assert.equal(lines.length, 2, JSON.stringify(lines));
  const [token, result]: [string, CallResult] = [lines[0], lines[1]];
  assert.match(token, TOKEN_REGEXP);
  return { token, result, stderr };
}

/** A token in the place of a value, where the length must stay. */
function cut(token: string, value: string): string {
  return token.slice(0, value.length).padEnd(value.length, "*");
}

/** Asserts that a call ended with an error of its own, at once, and that it gave nothing. */
function assertRefused(result: CallResult, stderr: string, code: string): void {
  assert.ok(![OK, DEADLINE_EXCEEDED].includes(result.code), JSON.stringify(result));
  assert.deepEqual(result.messages, []);
  assert.ok(result.ms < SOON_MS, `it took ${result.ms} ms`);
  assert.match(stderr, new RegExp(`^kz: refused\\[${code}\\]: POST api\\.test:443`, "m"));
}

function grpcTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: NO_GRPC_JS, fn });
}

Deno.test({
  name: "the gRPC server of these tests shows the value to a client without kz, in every kind of call",
  ignore: NO_GRPC_JS,
  async fn() {
    await using grpc = await makeProject();
    const stdout = await grpc.direct({
      script: `for (const name of ["Echo", "Compressed", "Fail"]) print(await unary(name, ""));
        print(await unary("Repeat", "1")); print(await watch("Watch", "")); print(await sum("Sum", ["1"]));
        const talk = chat("Chat"); talk.send("one"); await talk.next(); talk.end(); print(await talk.result);`,
    });
    const results: CallResult[] = linesOf(stdout);
    assert.deepEqual(results.map(({ code }) => code), [OK, OK, PERMISSION_DENIED, OK, OK, OK, OK]);
    for (const result of results) assert.equal(findLeak(grpc.value, JSON.stringify(result)), "raw");
  },
});

grpcTest(
  "TM-01 kz run --blind: a unary gRPC call sends the value, and header, message and trailer show none",
  async () => {
    await using grpc = await makeProject();
    const { token, result } = await runCall(grpc, { script: `print(await unary("Echo", "hello"));` });
    const [seen] = grpc.server.eventsOf("call");
    assert.deepEqual((seen?.["metadata"] as Record<string, string>)["authorization"], `Bearer ${grpc.value}`);
    assert.equal(result.code, OK, result.details);
    assert.equal(result.header["x-header"], `Bearer ${token}`);
    assert.equal(result.trailer["x-trailer"], `Bearer ${token}`);
    assert.equal(result.messages.length, 1);
    const { metadata, message } = JSON.parse(result.messages[0]!);
    assert.equal(metadata.authorization, `Bearer ${cut(token, grpc.value)}`);
    assert.equal(message, "hello");
  },
);

const lengths: [why: string, value: string][] = [
  ["shorter than a token", makeCanary("c")],
  ["as long as a token", makeCanary("canary-42")],
  ["longer than a token", makeCanary("a-canary-that-is-much-longer-than-a-token")],
];
for (const [why, value] of lengths) {
  grpcTest(`kz run --blind: in a gRPC message a value ${why} is replaced at the same length`, async () => {
    await using grpc = await makeProject({ value });
    const { token, result } = await runCall(grpc, { script: `print(await unary("Repeat", "3"));` });
    assert.equal(result.code, OK, result.details);
    assert.deepEqual(result.messages, [`Bearer ${cut(token, value)}`.repeat(3)]);
  });
}

grpcTest("TM-03 kz run --blind: a large gRPC message holds no value, wherever its frames end", async () => {
  await using grpc = await makeProject();
  // Far more than a frame and a flow-control window have, and of a length that no frame is a multiple of.
  const { token, result } = await runCall(grpc, { script: `print(await unary("Repeat", "20000"));` });
  assert.equal(result.code, OK, result.details);
  const [message] = result.messages;
  assert.ok(message === `Bearer ${cut(token, grpc.value)}`.repeat(20_000));
});

grpcTest("kz run --blind: a gRPC call with server streaming gets every message and the trailer", async () => {
  await using grpc = await makeProject();
  const { token, result } = await runCall(grpc, { script: `print(await watch("Watch", ""));` });
  assert.equal(result.code, OK, result.details);
  const shown = `Bearer ${cut(token, grpc.value)}`;
  assert.deepEqual(result.messages, Array.from({ length: 10 }, (_, at) => `${at + 1} ${shown}`));
  assert.equal(result.trailer["x-trailer"], `Bearer ${token}`);
});

grpcTest("kz run --blind: a gRPC call with client streaming sends every message, large ones too", async () => {
  await using grpc = await makeProject();
  const { token, result } = await runCall(grpc, {
    script: `print(await sum("Sum", ["1", "20", "300" + " ".repeat(500_000), "4000"]));`,
  });
  assert.equal(result.code, OK, result.details);
  assert.deepEqual(result.messages, [`4321 Bearer ${cut(token, grpc.value)}`]);
  assert.deepEqual(grpc.server.eventsOf("message").map(({ message }) => message), ["1", "20", "300", "4000"]);
});

grpcTest(
  "kz run --blind: a gRPC call with streaming both ways gets an answer before it sends more [F-6.18]",
  async () => {
    await using grpc = await makeProject();
    const { lines } = await run(grpc, {
      script: `print(token);
      const talk = chat("Chat");
      for (const message of ["one", "two", "three"]) {
        talk.send(message); print({ sent: message }); print({ answer: await talk.next() });
      }
      talk.end();
      print(await talk.result);`,
    });
    const [token, ...talk] = lines;
    const result: CallResult = talk.pop();
    const shown = `Bearer ${cut(token, grpc.value)}`;
    assert.deepEqual(
      talk,
      ["one", "two", "three"].flatMap((sent) => [{ sent }, { answer: `answer to ${sent} for ${shown}` }]),
    );
    assert.equal(result.code, OK, result.details);
    assert.deepEqual(grpc.server.events.filter(({ message, ended }) => message !== undefined || ended !== undefined), [
      ...["one", "two", "three"].map((message) => ({ message, to: "Chat" })),
      { ended: "Chat" },
    ]);
  },
);

grpcTest("TM-01 kz run --blind: the error of a gRPC call keeps its code, and its details show no value", async () => {
  await using grpc = await makeProject();
  const { token, result } = await runCall(grpc, { script: `print(await unary("Fail", ""));` });
  assert.equal(result.code, PERMISSION_DENIED);
  assert.ok([`no rights: Bearer ${token}`, `no rights: Bearer ${cut(token, grpc.value)}`].includes(result.details));
  assert.notEqual(result.trailer["grpc-status-details-bin"], undefined);
});

grpcTest(
  "TM-01 kz run --blind: an error after messages of a gRPC stream keeps its code and shows no value",
  async () => {
    await using grpc = await makeProject();
    const { token, result } = await runCall(grpc, { script: `print(await watch("Watch", "fail"));` });
    assert.equal(result.messages.length, 10);
    assert.equal(result.code, PERMISSION_DENIED);
    assert.equal(result.details, `no more: Bearer ${token}`);
  },
);

grpcTest("TM-01 kz run --blind: a value that grpc-message must escape is not in the details either", async () => {
  await using grpc = await makeProject({ value: `100%${makeCanary()}%41` });
  const { token, result } = await runCall(grpc, { script: `print(await unary("Fail", ""));` });
  assert.equal(result.code, PERMISSION_DENIED);
  assert.ok([`no rights: Bearer ${token}`, `no rights: Bearer ${cut(token, grpc.value)}`].includes(result.details));
});

grpcTest(
  "kz run --blind: a gRPC server refuses a credential that is not the value, and the client is told",
  async () => {
    await using grpc = await makeProject();
    const { result } = await runCall(grpc, {
      script: `print(await unary("Echo", "hello", { authorization: "Bearer wrong" }));`,
    });
    assert.equal(result.code, UNAUTHENTICATED);
    assert.equal(result.details, "no valid credentials");
  },
);

grpcTest("kz run --blind: a token in other metadata of a gRPC call is swapped, as in any header", async () => {
  await using grpc = await makeProject();
  const { token, result } = await runCall(grpc, {
    script: `print(await unary("Echo", "hello", { "x-api-key": token }));`,
  });
  const [seen] = grpc.server.eventsOf("call");
  assert.equal((seen?.["metadata"] as Record<string, string>)["x-api-key"], grpc.value);
  assert.equal(result.code, OK, result.details);
  assert.equal(result.header["x-header"], token);
});

grpcTest("TM-05 kz run --blind: a token in a gRPC message is refused, and the server sees nothing of it", async () => {
  await using grpc = await makeProject();
  const { token, result, stderr } = await runCall(grpc, {
    script: `print(await unary("Echo", "my token is " + token));`,
  });
  assertRefused(result, stderr, "PROXY_TOKEN_MISPLACED");
  assert.deepEqual(grpc.server.eventsOf("message"), []);
  assert.ok(!JSON.stringify(grpc.server.events).includes(token));
});

grpcTest(
  "TM-05 kz run --blind: a token in a later message of a gRPC stream ends it before the server sees it",
  async () => {
    await using grpc = await makeProject();
    const { lines, stderr } = await run(grpc, {
      script: `const talk = chat("Chat");
      talk.send("one"); print(await talk.next() !== undefined);
      talk.send("two " + token); print(await talk.next() === undefined);
      print(await talk.result);`,
    });
    const [first, second, result]: [boolean, boolean, CallResult] = [lines[0], lines[1], lines[2]];
    assert.ok(first, "the first message was not answered");
    assert.ok(second, "the second message was answered");
    assert.ok(![OK, DEADLINE_EXCEEDED].includes(result.code), JSON.stringify(result));
    assert.ok(result.ms < SOON_MS, `it took ${result.ms} ms`);
    assert.match(stderr, /^kz: refused\[PROXY_TOKEN_MISPLACED\]: POST api\.test:443/m);
    assert.deepEqual(grpc.server.eventsOf("message"), [{ message: "one", to: "Chat" }]);
    await grpc.server.event("cancelled");
  },
);

grpcTest("TM-02 kz run --blind: a gRPC call whose messages are compressed is refused at once", async () => {
  await using grpc = await makeProject();
  const { result, stderr } = await runCall(grpc, {
    script: `print(await unary("Echo", "hello"));`,
    channel: `{ "grpc.default_compression_algorithm": 2 }`,
  });
  assertRefused(result, stderr, "PROXY_BODY_ENCODED");
  assert.deepEqual(grpc.server.eventsOf("message"), []);
});

grpcTest("TM-02 kz run --blind: a gRPC response whose messages are compressed is not passed on", async () => {
  await using grpc = await makeProject();
  const { result, stderr } = await runCall(grpc, { script: `print(await unary("Compressed", ""));` });
  assertRefused(result, stderr, "PROXY_RESPONSE_ENCODED");
});

grpcTest("kz run --blind: gRPC calls at the same time on one connection do not mix", async () => {
  await using grpc = await makeProject();
  const { lines } = await run(grpc, {
    script: `const results = await Promise.all(Array.from({ length: 100 }, (_, at) => unary("Echo", String(at))));
      for (const { code, messages } of results) print({ code, message: JSON.parse(messages[0] ?? "{}").message });`,
  });
  assert.deepEqual(lines, Array.from({ length: 100 }, (_, at) => ({ code: OK, message: String(at) })));
});

grpcTest("TM-24 kz run --blind: gRPC clients that leave after many calls leave the proxy at work", async () => {
  await using grpc = await makeProject();
  // A client that ends resets its streams and closes its connection in one go.
  const { lines } = await run(grpc, {
    script: `if (process.env.IS_CHILD) {
        const results = await Promise.all(Array.from({ length: 100 }, () => unary("Echo", "")));
        return print(results.filter(({ code }) => code === 0).length);
      }
      const { execFileSync } = require("node:child_process");
      for (let round = 0; round < 10; round++) {
        print(Number(execFileSync(process.execPath, process.execArgv, { env: { ...process.env, IS_CHILD: "1" } })));
      }
      print((await unary("Echo", "still there")).code);`,
  });
  assert.deepEqual(lines, [...Array(10).fill(100), OK]);
});

grpcTest("kz run --blind: what a gRPC client that is killed had open is cancelled at the server", async () => {
  await using grpc = await makeProject();
  const { lines } = await run(grpc, {
    script: `if (process.env.IS_KILLED) {
        const talk = chat("Chat"); talk.send("hello"); await talk.next();
        process.kill(process.pid, "SIGKILL");
      }
      const { execFileSync } = require("node:child_process");
      let signal;
      try {
        execFileSync(process.execPath, process.execArgv, { env: { ...process.env, IS_KILLED: "1" } });
      } catch (error) { signal = error.signal; }
      print(signal);
      // The run goes on, so that its end is not what ends the call.
      for (let round = 0; round < 50; round++) await unary("Echo", "");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      print((await unary("Echo", "last")).code);`,
  });
  assert.deepEqual(lines, ["SIGKILL", OK]);
  const at = (found: (event: Readonly<Record<string, unknown>>) => boolean) => grpc.server.events.findIndex(found);
  const cancelled = at((event) => event["cancelled"] === "Chat");
  assert.ok(cancelled !== -1, "the call was not cancelled");
  assert.ok(cancelled < at(({ message }) => message === "last"), "the call was cancelled with the run");
});

grpcTest("kz run --blind: a gRPC call that is cancelled is cancelled at the server, and others go on", async () => {
  await using grpc = await makeProject();
  const { lines } = await run(grpc, {
    script: `const [one, two] = [chat("Chat"), chat("Chat")];
      one.send("a"); two.send("b"); await one.next(); await two.next();
      one.cancel(); print((await one.result).code);
      two.send("c"); const answer = await two.next(); two.end();
      print(String(answer).slice(0, 11)); print((await two.result).code);`,
  });
  assert.deepEqual(lines, [1, "answer to c", OK]);
  await grpc.server.event("cancelled");
});

grpcTest("kz run --blind: a rule for paths decides each gRPC call on a connection", async () => {
  await using grpc = await makeProject({ rule: 'paths = ["/test.Api/Echo"]' });
  const { lines, stderr } = await run(grpc, {
    script:
      `print(await unary("Echo", "hello")); print(await unary("Repeat", "1")); print(await unary("Echo", "again"));`,
  });
  const [before, denied, after]: [CallResult, CallResult, CallResult] = [lines[0], lines[1], lines[2]];
  assert.deepEqual([before.code, after.code], [OK, OK]);
  assertRefused(denied, stderr, "POLICY_REQUEST_DENIED");
  assert.deepEqual(grpc.server.eventsOf("call").map(({ call }) => call), ["Echo", "Echo"]);
});
