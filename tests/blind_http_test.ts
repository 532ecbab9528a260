/** HTTP through the proxy of a blind run, in the forms that real clients and hosts use. */
import assert from "node:assert/strict";
import { makeBlindProject } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak } from "./support/project.ts";
import { makeRawBlindProject } from "./support/raw_blind_project.ts";

/** A shell and curl. */
const CURL = Deno.build.os !== "windows" && hasProgram("curl");

function curlTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `kz run --blind ${name}`, ignore: !CURL, fn });
}

curlTest(
  "intercepts CONNECT: the program verifies the run's CA, the host is verified by the proxy [F-6.3]",
  async () => {
    await using blind = await makeBlindProject();
    const { status, stdout, stderr } = await blind.shell(`curl -sv https://api.test/ 2>&1
    echo "without the CA: $(curl -s --cacert upstream-ca.pem https://api.test/; echo $?)"`);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /CONNECT api\.test:443 HTTP\/1\.1/);
    assert.match(stdout, /subjectAltName: host "api\.test" matched/);
    // 60: curl does not know the issuer. The program never speaks to the host itself.
    assert.match(stdout, /without the CA: 60$/m);
    assert.match(
      stderr,
      /refused\[PROXY_CLIENT_HANDSHAKE\]: CONNECT api\.test:443|refused\[PROXY_CLIENT_HANDSHAKE\]: api\.test:443/,
    );
    assert.equal(blind.upstream.seen.length, 1);
  },
);

curlTest(
  "carries plain HTTP in absolute form, with the value to a loopback host that a rule names [F-6.4]",
  async () => {
    await using blind = await makeRawBlindProject({
      secure: false,
      respond: (request) => `HTTP/1.1 200 OK\r\nContent-Length: ${request.length}\r\n\r\n${request}`,
    });
    const { status, stdout, stderr } = await blind.shell(
      `curl -sS -H "X-Key: $API_TOKEN" http://127.0.0.1:${blind.upstream.port}/a?b=c`,
    );
    assert.equal(status, 0, stderr);
    const [request] = blind.upstream.requests;
    assert.match(request!, /^GET \/a\?b=c HTTP\/1\.1\r\n/);
    assert.ok(request!.includes(`X-Key: ${blind.value}\r\n`));
    assert.doesNotMatch(request!, /proxy-authorization/i);
    assert.match(stdout, /X-Key: kz_masked_[0-9a-f]{32}/);
    assertNoLeak(blind.value, stdout + stderr, "the client's output");
  },
);

curlTest("keeps connections alive, one for many requests [F-6.19]", async () => {
  await using blind = await makeRawBlindProject({ respond: () => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" });
  const { stdout } = await blind.shell(
    'curl -s -H "A: $API_TOKEN" -w "%{num_connects}\\n" https://api.test/1 https://api.test/2 https://api.test/3',
  );
  assert.equal(stdout, "ok1\nok0\nok0\n");
  assert.equal(blind.upstream.requests.length, 3);
  assert.equal(blind.upstream.connections, 1);
  assert.ok(blind.upstream.requests.every((request) => request.includes(`A: ${blind.value}\r\n`)));
});

const answers: [why: string, curl: string, answer: string, expected: RegExp][] = [
  [
    "a chunked response",
    "-s",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    /^hello world$/,
  ],
  [
    "a response up to the end of the connection",
    "-s",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it",
    /^all of it$/,
  ],
  [
    "HEAD, with the length of what GET would give",
    "-sI",
    "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
    /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Content-Length: 1234\r\n(.*\r\n)*\r\n$/i,
  ],
  ["204", "-si", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", /^HTTP\/1\.1 204 No Content\r\nX-A: 1\r\n(.*\r\n)*\r\n$/],
  [
    "304 with a length but no body",
    "-si",
    'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n',
    /^HTTP\/1\.1 304 Not Modified\r\n(.*\r\n)*ETag: "x"\r\n(.*\r\n)*\r\n$/,
  ],
  [
    "an interim response before the final one",
    "-s",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    /^ok$/,
  ],
];
for (const [why, curl, answer, expected] of answers) {
  curlTest(`passes ${why} [F-6.19]`, async () => {
    await using blind = await makeRawBlindProject({ respond: () => answer });
    const { status, stdout, stderr } = await blind.shell(
      `curl ${curl} --suppress-connect-headers --max-time 20 https://api.test/`,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, expected);
  });
}

curlTest("asks for a body that waits for 100 (Continue) [F-6.19]", async () => {
  await using blind = await makeBlindProject();
  // A client that never got the 100 would wait longer than it may take in all.
  const { status, stderr } = await blind.shell(
    "curl -sv --expect100-timeout 60 --max-time 20 -H 'Expect: 100-continue' -d body https://api.test/",
  );
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^< HTTP\/1\.1 100 Continue/m);
  assert.equal(blind.upstream.seen[0]?.body, "body");
});

curlTest("passes each part of a response when it comes [F-6.18]", async () => {
  const seen = Promise.withResolvers<void>();
  await using blind = await makeBlindProject({
    respond(request) {
      if (new URL(request.url).pathname === "/seen") {
        seen.resolve();
        return new Response("");
      }
      // The second event comes only once the program has answered the first.
      const events = async function* () {
        yield "data: 1\n\n";
        await seen.promise;
        yield "data: 2\n\n";
      };
      return new Response(ReadableStream.from(events()).pipeThrough(new TextEncoderStream()), {
        headers: { "content-type": "text/event-stream" },
      });
    },
  });
  const { status, stdout, stderr } = await blind.shell(
    'curl -sN --max-time 20 https://api.test/ | while read -r line; do echo "$line"; curl -s https://api.test/seen; done',
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "data: 1\n\ndata: 2\n\n");
});

curlTest("passes each part of a request when it comes [F-6.18]", async () => {
  await using blind = await makeRawBlindProject({
    async respond(request) {
      // The second part is written only once the first has arrived.
      if (request.startsWith("GET")) { while (!blind.upstream.received.includes("first")) await pause(); }
      return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    },
  });
  const { status, stdout, stderr } = await blind.shell(
    `(echo first; curl -s --max-time 20 https://api.test/wait >/dev/null; echo second) |
      curl -s --max-time 30 -H "Expect:" -H "A: $API_TOKEN" -T - https://api.test/upload`,
  );
  assert.deepEqual([status, stdout], [0, "ok"], stderr);
  const upload = blind.upstream.requests.find((request) => request.startsWith("PUT /upload"))!;
  assert.ok(upload.includes(`A: ${blind.value}\r\n`));
  assert.match(upload, /first[\s\S]*second/);
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
