/** Hosts that are not there, are somebody else, or break off: the program gets a clear answer, and no value goes out. */
import assert from "node:assert/strict";
import { API_HOST } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak } from "./support/project.ts";
import { makeRawBlindProject, type RawBlindProjectOptions } from "./support/raw_blind_project.ts";

/** A shell and curl. */
const CURL = Deno.build.os !== "windows" && hasProgram("curl");
const REQUEST = `curl -s -H "Authorization: Bearer $API_TOKEN" -w ' %{http_code}' https://${API_HOST}/`;
const DAY_MS = 24 * 60 * 60 * 1000;

function curlTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !CURL, fn });
}

curlTest("kz run --blind answers 502 where nobody listens, and tells the operator [F-9.10]", async () => {
  await using blind = await makeRawBlindProject();
  await blind.upstream[Symbol.asyncDispose]();
  const { status, stdout, stderr } = await blind.shell(REQUEST);
  assert.equal(status, 0);
  assert.match(stdout, /^\{"error":\{"code":"PROXY_UPSTREAM_UNREACHABLE",.*"host":"api\.test"\}\}\n 502$/);
  assert.match(
    stderr,
    /^kz: refused\[PROXY_UPSTREAM_UNREACHABLE\]: GET api\.test:443: the host cannot be reached; no addr/m,
  );
});

curlTest("blind runs at the same time each find a free port [F-9.10]", async () => {
  await using blind = await makeRawBlindProject();
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => blind.shell(`echo "$HTTPS_PROXY"; ${REQUEST}; sleep 1`)),
  );
  for (const { status, stdout } of runs) assert.match(stdout, / 204$/, `status ${status}`);
  assert.equal(new Set(runs.map(({ stdout }) => new URL(stdout.split("\n", 1)[0]!).port)).size, 4);
});

const certificates: [why: string, options: RawBlindProjectOptions, detail: string][] = [
  ["is for another name", { certificateFor: "other.test" }, "it is for another name"],
  ["is for a name below", { certificateFor: `www.${API_HOST}` }, "it is for another name"],
  ["has an issuer that is not trusted", { trusted: false }, "its issuer is not trusted"],
  ["has expired", { madeAt: new Date(Date.now() - 60 * DAY_MS) }, "it is not valid at this time"],
  ["is not valid yet", { madeAt: new Date(Date.now() + 2 * DAY_MS) }, "it is not valid at this time"],
];
for (const [why, options, detail] of certificates) {
  curlTest(`TM-09 nothing is sent to a host whose certificate ${why} [F-9.11] [F-6.10]`, async () => {
    await using blind = await makeRawBlindProject(options);
    const { stdout, stderr } = await blind.shell(REQUEST);
    assert.match(stdout, /^\{"error":\{"code":"PROXY_UPSTREAM_CERTIFICATE",.*"host":"api\.test"\}\}\n 502$/);
    assert.ok(
      stderr.includes(
        `refused[PROXY_UPSTREAM_CERTIFICATE]: GET api.test:443: the host's certificate is not valid; ${detail}\n`,
      ),
      stderr,
    );
    assert.equal(blind.upstream.received, "");
    assertNoLeak(blind.value, stdout + stderr, "what was written");
  });
}

curlTest("TM-09 nothing is sent to a host that does not speak TLS [F-9.11]", async () => {
  await using blind = await makeRawBlindProject({ secure: false });
  const { stdout, stderr } = await blind.shell(`timeout 30 ${REQUEST}`);
  assert.match(stdout, /"code":"PROXY_UPSTREAM_UNREACHABLE".* 502$/s);
  assert.match(stderr, /the TLS handshake failed/);
  assertNoLeak(blind.value, blind.upstream.received, "what was sent");
  assert.doesNotMatch(blind.upstream.received, /authorization/i);
});

const OK = "HTTP/1.1 200 OK\r\n";
const cuts: [why: string, answer: string, begun: boolean][] = [
  ["within a body of a known length", `${OK}Content-Length: 1000\r\n\r\nthe beginning`, true],
  ["within a long body", `${OK}Content-Length: 1000000\r\n\r\nthe beginning${".".repeat(200_000)}`, true],
  ["within a chunked body", `${OK}Transfer-Encoding: chunked\r\n\r\nd\r\nthe beginning\r\n`, true],
  ["within a chunk", `${OK}Transfer-Encoding: chunked\r\n\r\nffff\r\nthe beginning`, true],
  ["within its head", "HTTP/1.1 200 OK\r\nContent-Le", false],
  ["before its head", "", false],
];
for (const [why, answer, begun] of cuts) {
  curlTest(`a program notices that a host broke off ${why}, and the operator is told [F-9.12]`, async () => {
    await using blind = await makeRawBlindProject({
      async respond(_request, conn) {
        const bytes = new TextEncoder().encode(answer);
        for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
        blind.upstream.cut();
        return "";
      },
    });
    const { stdout, stderr } = await blind.shell(`${REQUEST}; echo " status $?"`);
    // Either the proxy says so, or curl finds the response to be cut off: never a short body that looks whole.
    if (begun) assert.match(stdout, / status (18|52|56)\n$|"code":"PROXY_UPSTREAM_INVALID".* 502 status 0\n$/s);
    else assert.match(stdout, /^\{"error":\{"code":"PROXY_UPSTREAM_INVALID",.*\}\}\n 502 status 0\n$/);
    assert.match(stderr, /^kz: refused\[PROXY_UPSTREAM_INVALID\]: GET api\.test:443: /m);
    assertNoLeak(blind.value, stdout + stderr, "what was written");
  });
}

curlTest("a run goes on after a host broke off [F-9.12]", async () => {
  let count = 0;
  await using blind = await makeRawBlindProject({
    respond() {
      if (++count > 1) return `${OK}Content-Length: 2\r\n\r\nok`;
      blind.upstream.cut();
      return "";
    },
  });
  // POST is not sent again by itself: the host may have carried it out.
  const { status, stdout } = await blind.shell(
    `curl -s -o /dev/null -w '%{http_code} ' -d a https://${API_HOST}/; ${REQUEST}`,
  );
  assert.deepEqual([status, stdout], [0, "502 ok 200"]);
});
