import assert from "node:assert/strict";
import { join } from "node:path";
import { AppError } from "../policy/error.ts";
import { parseHost } from "../policy/host.ts";
import { parseSecretRef } from "../policy/secret_ref.ts";
import { parseServerProxy, SERVER_PROXY_REF } from "../policy/server/server_proxy.ts";
import { CertificateAuthority } from "../proxy/tls/certificate_authority.ts";
import { createKeyzeroProvider } from "./keyzero.ts";
import type { Resolution } from "./provider.ts";
import { FakeKeyzero, type FakeKeyzeroOptions, problem } from "./testing/fake_keyzero.ts";
import { temporaryDirectory } from "./testing/store_of.ts";

const JWT = "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJqd3QifQ.c2lnbmF0dXJl";
const VALUE = "canary-3f9c1e7ab4d2-value";
const TOKEN = "KZ_TOK_1canary3f9c1e7ab4d2token";
const PROXY = "http://kz:KZ_PRX_1pass@127.0.0.1:3128";
const CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const { signal } = new AbortController();

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const RESULTS: ReadonlyMap<string, () => Record<string, unknown>> = new Map<string, () => Record<string, unknown>>([
  ["direct/a", () => ({ allowed: true, policy: "p", mode: "direct", value: VALUE, expires_at: inAnHour() })],
  [
    "masked/a",
    () => ({ allowed: true, policy: "p", mode: "masked", token: TOKEN, expires_at: inAnHour(), proxy: PROXY }),
  ],
  ["masked/alone", () => ({ allowed: true, policy: "p", mode: "masked", token: TOKEN, expires_at: inAnHour() })],
  ["denied/a", () => ({ allowed: false, policy: "no-prod", error: { code: "POLICY_DENIED", detail: "a detail" } })],
  ["denied/odd", () => ({ allowed: false, policy: "canary\u001b[31m", error: { code: "canary", detail: "a detail" } })],
  ["down/a", () => ({ allowed: false, policy: "p", error: { code: "SECRET_UNAVAILABLE", detail: "a detail" } })],
  ["odd/a", () => ({ allowed: true, policy: "p", mode: "direct", token: VALUE })],
  ["odd/b", () => ({ allowed: "true", policy: "p", mode: "direct", value: VALUE })],
]);

const answerFrom: FakeKeyzeroOptions["resolve"] = (refs) =>
  Response.json({
    results: Object.fromEntries(refs.flatMap((ref) => RESULTS.has(ref) ? [[ref, RESULTS.get(ref)!()]] : [])),
  });

/** A provider before a server, with a JWT file. */
async function openProvider(more: Partial<FakeKeyzeroOptions> = {}, options: { jwt?: string } = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(new FakeKeyzero({ resolve: answerFrom, caPem: CA, ...more }));
  const directory = stack.use(temporaryDirectory());
  const jwtFile = join(directory.path, "jwt");
  await Deno.writeTextFile(jwtFile, options.jwt ?? `${JWT}\n`);
  const provider = createKeyzeroProvider({ url: server.url, jwt_file: jwtFile });
  return {
    server,
    jwtFile,
    provider,
    resolve: (...refs: string[]) =>
      provider.resolve(refs.map((ref) => ({ id: ref, ref: parseSecretRef(ref) })), { signal }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function textOf(resolution: Resolution | undefined): string {
  assert(resolution !== undefined && "bytes" in resolution, "there is no value");
  return new TextDecoder().decode(resolution.bytes);
}

function errorOf(resolution: Resolution | undefined): AppError {
  assert(resolution !== undefined && "error" in resolution && resolution.error instanceof AppError);
  return resolution.error;
}

Deno.test("createKeyzeroProvider() reads direct values and masked tokens in one call, with the JWT [S-6.4]", async () => {
  await using opened = await openProvider();
  const [direct, masked, again] = await opened.resolve("direct/a", "masked/a", "direct/a");
  assert.deepEqual([textOf(direct), textOf(masked), textOf(again)], [VALUE, TOKEN, VALUE]);
  assert(direct !== undefined && "bytes" in direct && direct.lifeMs !== undefined);
  assert(direct.lifeMs > 3_590_000 && direct.lifeMs <= 3_600_000);
  assert.deepEqual(opened.server.seen, [{
    method: "POST",
    path: "/v1/resolve",
    authorization: `Bearer ${JWT}`,
    body: { refs: ["direct/a", "masked/a"] },
  }]);
});

Deno.test("createKeyzeroProvider() reads the JWT anew each time [S-6.4]", async () => {
  await using opened = await openProvider();
  await opened.resolve("direct/a");
  await Deno.writeTextFile(opened.jwtFile, "a.b.c");
  await opened.resolve("direct/a");
  assert.deepEqual(opened.server.seen.map(({ authorization }) => authorization), [`Bearer ${JWT}`, "Bearer a.b.c"]);
});

Deno.test("createKeyzeroProvider() asks for at most a hundred refs at once", async () => {
  await using opened = await openProvider();
  const found = await opened.resolve(...Array.from({ length: 101 }, (_, at) => `many/${at}`), "direct/a");
  assert.equal(opened.server.seen.length, 2);
  assert.equal(textOf(found.at(-1)), VALUE);
});

Deno.test("createKeyzeroProvider() says how masked tokens reach the server's proxy [S-6.4]", async () => {
  await using opened = await openProvider();
  const found = await opened.resolve(SERVER_PROXY_REF, "masked/a");
  const proxy = found.find(({ id }) => id === SERVER_PROXY_REF);
  assert.deepEqual(parseServerProxy(textOf(proxy)), { url: PROXY, ca: CA });
  assert.equal(found.length, 2);
  assert.deepEqual(opened.server.seen.at(-1)?.authorization, null);
});

Deno.test("createKeyzeroProvider() needs no proxy for direct values alone", async () => {
  await using opened = await openProvider({});
  const found = await opened.resolve("direct/a", SERVER_PROXY_REF);
  assert.equal(parseServerProxy(textOf(found[1])), undefined);
  assert.equal(opened.server.seen.length, 1);
});

Deno.test("createKeyzeroProvider() refuses masked tokens that no proxy of the server takes [S-6.4]", async () => {
  await using opened = await openProvider();
  const found = await opened.resolve("masked/alone", SERVER_PROXY_REF);
  assert.equal(textOf(found[0]), TOKEN);
  const error = errorOf(found[1]);
  assert.equal(error.code, "PROVIDER_UNAVAILABLE");
  assert.equal(
    error.message,
    'Cannot use provider "keyzero": the server has no proxy, which its tokens need',
  );
});

const FAILED: readonly [why: string, ref: string, code: string, message: string][] = [
  [
    "a denial, by the policy's name",
    "denied/a",
    "PROVIDER_ACCESS_DENIED",
    'Cannot read secret "denied/a" of provider "keyzero": the server\'s policy "no-prod" denies it',
  ],
  [
    "a denial whose policy is no name",
    "denied/odd",
    "PROVIDER_ACCESS_DENIED",
    'Cannot read secret "denied/odd" of provider "keyzero": the server\'s policies deny it',
  ],
  [
    "a backend that is down",
    "down/a",
    "PROVIDER_UNAVAILABLE",
    'Cannot read secret "down/a" of provider "keyzero": the server answers SECRET_UNAVAILABLE: The value cannot be read from its backend',
  ],
  [
    "a mode that does not fit",
    "odd/a",
    "PROVIDER_SOURCE_INVALID",
    'Cannot read secret "odd/a" of provider "keyzero": the server\'s answer cannot be read',
  ],
  [
    "an allowance that is text",
    "odd/b",
    "PROVIDER_SOURCE_INVALID",
    'Cannot read secret "odd/b" of provider "keyzero": the server\'s answer cannot be read',
  ],
  [
    "no answer for a ref",
    "missing/a",
    "PROVIDER_SOURCE_INVALID",
    'Cannot read secret "missing/a" of provider "keyzero": the server\'s answer cannot be read',
  ],
];
for (const [why, ref, code, message] of FAILED) {
  Deno.test(`createKeyzeroProvider() reports ${why}, and reads the others [S-6.4]`, async () => {
    await using opened = await openProvider();
    const [failed, found] = await opened.resolve(ref, "direct/a");
    assert.equal(textOf(found), VALUE);
    assert.deepEqual({ code: errorOf(failed).code, message: errorOf(failed).message }, { code, message });
  });
}

const REFUSED: readonly [why: string, answer: () => Response, code: string, state: string][] = [
  [
    "a JWT that has expired",
    () => problem(401, "JWT_EXPIRED"),
    "PROVIDER_ACCESS_DENIED",
    "the server does not accept the JWT (JWT_EXPIRED: The JWT has expired)",
  ],
  [
    "a 401 that names no code of ours",
    () => problem(401, "canary"),
    "PROVIDER_ACCESS_DENIED",
    "the server does not accept the JWT (status 401)",
  ],
  [
    "a server with too much to do",
    () => problem(503, "OVERLOADED"),
    "PROVIDER_UNAVAILABLE",
    "the server answers OVERLOADED: The server has too much to do",
  ],
  [
    "another server",
    () => new Response("<html>canary</html>"),
    "PROVIDER_UNAVAILABLE",
    "the answer is not one of a KeyZero server",
  ],
  [
    "a redirect, to which no JWT follows",
    () => new Response(null, { status: 307, headers: { location: "http://127.0.0.1:1/canary" } }),
    "PROVIDER_UNAVAILABLE",
    "the server answers status 307",
  ],
];
for (const [why, answer, code, state] of REFUSED) {
  Deno.test(`createKeyzeroProvider() reports ${why} [S-6.4]`, async () => {
    await using opened = await openProvider({ resolve: answer });
    await assert.rejects(opened.resolve("direct/a"), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.message, `Cannot use provider "keyzero": ${state}`);
      assert.equal(error.code, code);
      assert(![error.message, ...error.hints].join().includes("canary"));
      return true;
    });
  });
}

const JWT_FILES: readonly [why: string, text: string, state: string][] = [
  ["no JWT", "canary secret", "the JWT file holds no JWT"],
  ["a JWT that would end the header", `${JWT}\r\nx: y`, "the JWT file holds no JWT"],
  ["nothing", "", "the JWT file holds no JWT"],
  ["too much", "a.b.c".padEnd(20_000, "c"), "the JWT file cannot be read"],
];
for (const [why, jwt, state] of JWT_FILES) {
  Deno.test(`createKeyzeroProvider() sends nothing with a JWT file that holds ${why}`, async () => {
    await using opened = await openProvider({}, { jwt });
    await assert.rejects(opened.resolve("direct/a"), { message: `Cannot use provider "keyzero": ${state}` });
    assert.equal(opened.server.seen.length, 0);
  });
}

const OPTIONS: readonly [why: string, options: Record<string, string>, code: string][] = [
  ["no server", { jwt_file: "/nonexistent" }, "CONFIG_KEY_MISSING"],
  ["no JWT", { url: "http://127.0.0.1:1" }, "CONFIG_KEY_MISSING"],
];
for (const [why, options, code] of OPTIONS) {
  Deno.test(`createKeyzeroProvider() says that ${why} is named`, async () => {
    const provider = createKeyzeroProvider(options);
    await assert.rejects(provider.resolve([{ id: "a", ref: parseSecretRef("a") }], { signal }), { code });
  });
}

Deno.test("createKeyzeroProvider() says that the server cannot be reached [S-6.4]", async () => {
  await using opened = await openProvider();
  const provider = createKeyzeroProvider({ url: "http://127.0.0.1:1", jwt_file: opened.jwtFile });
  await assert.rejects(provider.resolve([{ id: "a", ref: parseSecretRef("a") }], { signal }), {
    message: 'Cannot use provider "keyzero": the server cannot be reached',
    code: "PROVIDER_UNAVAILABLE",
  });
  await assert.rejects(provider.check({ signal }), { code: "PROVIDER_UNAVAILABLE" });
  await opened.provider.check({ signal });
});

Deno.test("createKeyzeroProvider() verifies the server's certificate before it shows the JWT [S-6.4]", async () => {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const other = await CertificateAuthority.create({ now: new Date() });
  const { certPem: cert, keyPem: key } = await authority.issue(parseHost("localhost"));
  await using opened = await openProvider({ tls: { cert, key } });
  const request = [{ id: "a", ref: parseSecretRef("direct/a") }];
  using directory = temporaryDirectory();
  const files = { trusted: authority.certificatePem, other: other.certificatePem };
  for (const [name, pem] of Object.entries(files)) await Deno.writeTextFile(join(directory.path, name), pem);
  const options = { url: opened.server.url, jwt_file: opened.jwtFile };
  for (const more of [{}, { ca: join(directory.path, "other") }]) {
    await assert.rejects(createKeyzeroProvider({ ...options, ...more }).resolve(request, { signal }), {
      message: 'Cannot use provider "keyzero": the server\'s certificate is not valid for its name',
    });
  }
  assert.equal(opened.server.seen.length, 0);
  const trusting = createKeyzeroProvider({ ...options, ca: join(directory.path, "trusted") });
  assert.equal(textOf((await trusting.resolve(request, { signal }))[0]), VALUE);
});
