/** What a blind run does not send, what the program is told of it, and what its operator. */
import assert from "node:assert/strict";
import { API_HOST, makeBlindProject } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";
import { makeRawBlindProject } from "./support/raw_blind_project.ts";
import { withoutDeno } from "./support/without_deno.ts";

/** A shell and curl. */
const CURL = Deno.build.os !== "windows" && hasProgram("curl");

function curlTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !CURL, fn });
}

curlTest(
  "kz run --blind answers a refusal with 403 and JSON, and tells the operator what to change [F-6.9]",
  async () => {
    await using blind = await makeBlindProject();
    const { stdout, stderr } = await blind.shell("curl -si http://denied.test:8080/path?query");
    const [head, body] = stdout.split("\r\n\r\n");
    assert.match(head!, /^HTTP\/1\.1 403 Forbidden\r\n/);
    assert.match(head!, /^Content-Type: application\/json\r$/im);
    assert.match(head!, /^X-KeyZero-Error: POLICY_HOST_DENIED$/im);
    // Status, code and host, and nothing of the configuration.
    assert.deepEqual(JSON.parse(body!), {
      error: {
        code: "POLICY_HOST_DENIED",
        message: "The operator's rules do not allow this host",
        host: "denied.test",
      },
    });
    assert.equal(
      withoutDeno(stderr),
      "kz: refused[POLICY_HOST_DENIED]: GET denied.test:8080: no connection rule allows this host\n" +
        '    hint: Add [[blind.connections]] allow = true, host = "denied.test"\n',
    );
  },
);

curlTest("kz run --blind names the rule that denies, and the first that matches decides [F-6.7] [F-6.9]", async () => {
  await using project = await makeProject({
    toml: `[secrets]
[[blind.connections]]
allow = false
host = "first.test"
[[blind.connections]]
allow = true
host = "*.example.com"
port = 8080
[[blind.connections]]
allow = false
host = "*"
[[blind.connections]]
allow = true
host = "late.test"
`,
  });
  const hosts = ["first.test", "late.test", "other.test"];
  const { stdout, stderr } = await project.kz([
    "run",
    "--blind",
    "--",
    "sh",
    "-c",
    'for host in "$@"; do curl -s -o /dev/null -w "%{http_code}\\n" "http://$host/"; done',
    "sh",
    ...hosts,
  ]);
  assert.equal(stdout, "403\n403\n403\n");
  const rules = [...stderr.matchAll(/GET (\S+):80: .*\n {4}hint: Rule (\d) of/g)].map(([, host, rule]) => [host, rule]);
  assert.deepEqual(rules, [["first.test", "1"], ["late.test", "3"], ["other.test", "3"]]);
});

curlTest("kz run --blind decides each request of a tunnel by method and path [F-6.7] [F-6.9]", async () => {
  await using blind = await makeBlindProject();
  const toml = await Deno.readTextFile(`${blind.project.dir}/.keyzero.toml`);
  await blind.project.write(
    ".keyzero.toml",
    toml.replace(`host = "${API_HOST}"`, `host = "${API_HOST}"\nmethods = ["GET"]\npaths = ["/v1/*"]`),
  );
  const { stdout, stderr } = await blind.shell(`for words in "/v1/a" "/v2/a" "/v1/a -XDELETE" "/v1/%2e%2e/v2"; do
    curl -s -o /dev/null --path-as-is -w '%{http_code} ' https://${API_HOST}$words; done`);
  assert.equal(stdout, "200 403 403 403 ");
  assert.match(stderr, /refused\[POLICY_REQUEST_DENIED\]: GET api\.test:443: .*\n {4}hint: /);
  assert.equal(blind.upstream.seen.length, 1);
});

curlTest("TM-15 the token of one secret is refused at the host of another [F-6.8] [F-6.9]", async () => {
  const other = makeCanary("other");
  await using blind = await makeBlindProject({
    fields: `hosts = ["${API_HOST}"]`,
    secrets: 'OTHER_TOKEN = { provider = "env", ref = "SOURCE_OF_OTHER", hosts = ["other.test", "api.test/other"] }',
    names: [API_HOST, "other.test"],
  });
  const script = `send() { curl -s -H "X-Key: $1" -w ' %{http_code}\\n' "$2"; }
    send "$API_TOKEN" https://${API_HOST}/
    send "$API_TOKEN" https://other.test/
    send "$OTHER_TOKEN" https://${API_HOST}/
    send "$OTHER_TOKEN" https://${API_HOST}/other/path
    send "$OTHER_TOKEN" https://${API_HOST}/others
    send "$OTHER_TOKEN" https://${API_HOST}:444/other`;
  const { stdout, stderr } = await blind.shell(script, { env: { SOURCE_OF_OTHER: other } });
  const statuses = [...stdout.matchAll(/ (\d{3})$/gm)].map(([, status]) => status);
  assert.deepEqual(statuses, ["200", "403", "403", "200", "403", "403"]);
  assert.deepEqual(blind.upstream.seen.map(({ headers }) => headers["x-key"]), [blind.value, other]);
  assert.match(
    stderr,
    /refused\[POLICY_SECRET_HOST_DENIED\]: GET other\.test:443 \(secret API_TOKEN\): .*\n {4}hint: Add "other\.test" to hosts of secret API_TOKEN/,
  );
  // The program is told neither the secret's name nor where it may go.
  assert.ok(!stdout.includes("OTHER_TOKEN") && !stdout.includes("SOURCE_OF"));
  for (const value of [blind.value, other]) assertNoLeak(value, stdout + stderr, "what was written");
});

curlTest("TM-10 a token is not replaced in clear text to a host that is allowed [F-6.20]", async () => {
  await using blind = await makeRawBlindProject({ secure: false });
  const { stdout, stderr } = await blind.shell(
    `curl -s -H "Authorization: Bearer $API_TOKEN" -w ' %{http_code}' http://${API_HOST}/
     curl -s -u "user:$API_TOKEN" -w ' %{http_code}' http://${API_HOST}/`,
  );
  assert.match(stdout, /"code":"PROXY_CLEAR_TEXT".* 403\{.*"code":"PROXY_CLEAR_TEXT".* 403$/s);
  assert.equal(blind.upstream.received, "");
  assert.match(stderr, /refused\[PROXY_CLEAR_TEXT\]: GET api\.test:80 \(secret API_TOKEN\): .*\n {4}hint: Use https/);
});

/** Where a token stands and is not replaced by default: curl's words, with `$T` for it. */
const misplaced: [why: string, words: string, code: string][] = [
  ["in the query", '"https://api.test/?key=$T"', "PROXY_TOKEN_MISPLACED"],
  ["in the path", '"https://api.test/$T"', "PROXY_TOKEN_MISPLACED"],
  ["in a form", '-d "key=$T" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in JSON", `--json "{\\"key\\":\\"$T\\"}" https://api.test/`, "PROXY_TOKEN_MISPLACED"],
  ["in a file that is uploaded", '-F "file=@token.txt" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in Cookie", '-H "Cookie: a=$T" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in User-Agent", '-A "$T" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in Referer", '-e "https://api.test/$T" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in a forwarding header", '-H "X-Forwarded-For: $T" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in the name of a header", '-H "$T: 1" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  [
    "in Base64 that is not Basic",
    '-H "X-Key: $(printf %s "$T" | base64 -w0)" https://api.test/',
    "PROXY_TOKEN_MISPLACED",
  ],
  ["in hexadecimal", '-d "$(printf %s "$T" | od -An -tx1 | tr -d " \\n")" https://api.test/', "PROXY_TOKEN_MISPLACED"],
  ["in a second header of the same name", '-H "X-Key: $T" -H "X-Key: 1" https://api.test/', "PROXY_TOKEN_REPEATED"],
  ["made up", '-H "X-Key: kz_masked_00000000000000000000000000000000" https://api.test/', "PROXY_TOKEN_UNKNOWN"],
];
for (const [why, words, code] of misplaced) {
  curlTest(`TM-04 a token ${why} is refused and nothing is sent [F-6.20]`, async () => {
    await using blind = await makeRawBlindProject();
    const script = `T="$API_TOKEN"; echo "$T" >token.txt; curl -s -w ' %{http_code}' ${words}`;
    const { stdout, stderr } = await blind.shell(script);
    assert.match(stdout, new RegExp(`"code":"${code}".*"host":"api\\.test".* 403$`, "s"));
    assert.match(stderr, new RegExp(`^kz: refused\\[${code}\\]: \\w+ api\\.test:443`, "m"));
    assert.equal(blind.upstream.received, "");
    assertNoLeak(blind.value, stdout + stderr, "what was written");
  });
}

const notCarried: [why: string, words: string, code: string, said: string][] = [
  ["TRACE", "-X TRACE", "HTTP_METHOD_REFUSED", "this method is not carried"],
  ["CONNECT inside of a tunnel", "-X CONNECT --request-target evil.test:443", "HTTP_", ""],
  [
    "a WebSocket handshake without a key",
    "--http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'",
    "HTTP_UPGRADE_REFUSED",
    "only a WebSocket handshake",
  ],
  [
    "HTTP/2 in clear text",
    "-H 'Connection: Upgrade, HTTP2-Settings' -H 'Upgrade: h2c'",
    "HTTP_UPGRADE_REFUSED",
    "upgrades",
  ],
  ["another host inside of a tunnel", "-H 'Host: evil.test'", "HTTP_HOST_MISMATCH", "another host inside"],
  ["another scheme in the target", "--request-target http://evil.test/", "HTTP_HOST_MISMATCH", "another host inside"],
];
for (const [why, words, code, said] of notCarried) {
  curlTest(`TM-21 kz run --blind does not carry ${why}, and says so to both [F-6.20]`, async () => {
    await using blind = await makeRawBlindProject();
    const { stdout, stderr } = await blind.shell(
      `curl -s --max-time 20 -H "Authorization: Bearer $API_TOKEN" -w ' %{http_code}' ${words} https://${API_HOST}/`,
    );
    assert.match(stdout, new RegExp(`"code":"${code}[^]* (400|405|421|501)$`));
    assert.match(stderr, new RegExp(`^kz: refused\\[${code}\\w*\\]: .*${said}`, "m"));
    assert.equal(blind.upstream.received, "");
    assertNoLeak(blind.value, stdout + stderr, "what was written");
  });
}

curlTest("TM-21 kz run --blind carries nothing but TLS in a tunnel [F-6.20]", async () => {
  await using blind = await makeRawBlindProject({ secure: false });
  const { stdout, stderr } = await blind.shell(
    `curl -s --max-time 20 --proxytunnel -H "Authorization: Bearer $API_TOKEN" http://${API_HOST}:443/; echo "status $?"`,
  );
  assert.match(stdout, /status (52|56)\n$/);
  assert.match(stderr, /^kz: refused\[PROXY_TUNNEL_NOT_TLS\]: api\.test:443: only TLS is carried in a tunnel$/m);
  assert.equal(blind.upstream.received, "");
});

curlTest("TM-22 a value with a line break is not put into a header [F-6.20]", async () => {
  await using blind = await makeBlindProject({ value: `${makeCanary()}\r\nX-Injected: 1` });
  const { stdout, stderr } = await blind.shell(`curl -s -H "X-Key: $API_TOKEN" https://${API_HOST}/`);
  assert.match(stdout, /"code":"PROXY_VALUE_UNSENDABLE"/);
  assert.match(stderr, /\(secret API_TOKEN\): .*\n {4}hint: .*API_TOKEN/);
  assert.equal(blind.upstream.seen.length, 0);
  assertNoLeak(blind.value, stdout + stderr, "what was written");
});

curlTest(
  "TM-12 a loopback address that no rule names is refused, however it is written [F-6.7]",
  async () => {
    await using open = await makeBlindProject();
    await using project = await makeProject({ toml: "[secrets]\n" });
    const script = `for host in 127.0.0.1 localhost 2130706433 '[::1]'; do
    curl -s -o /dev/null -w '%{http_code} ' "http://$host:${open.upstream.port}/"; done`;
    const { stdout, stderr } = await project.kz(["run", "--blind", "--", "sh", "-c", script]);
    assert.equal(stdout, "403 403 403 403 ");
    assert.match(
      stderr,
      /refused\[POLICY_ADDRESS_DENIED\]: GET 127\.0\.0\.1:\d+: .*\n {4}hint: Add .*host = "127\.0\.0\.1"/,
    );
    assert.equal(open.upstream.seen.length, 0);
  },
);

curlTest("kz run --blind reports a refusal that repeats itself once", async () => {
  await using blind = await makeBlindProject();
  const { stdout, stderr } = await blind.shell(
    "for i in 1 2 3 4 5; do curl -s -o /dev/null -w '%{http_code} ' http://denied.test/; done",
  );
  assert.equal(stdout, "403 403 403 403 403 ");
  assert.equal(stderr.split("refused[").length, 2);
});
