/** Command line tools as they are, in a blind run, as `blind_clients_test.ts` has runtimes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { basic, bearer, type BlindClient, testBlindClient, URL_OF_API } from "./support/blind_client.ts";
import { API_HOST, makeBlindProject } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak } from "./support/project.ts";

const sh = (script: string) => ["sh", "-c", script];

const clients: BlindClient[] = [
  {
    name: "curl GET [F-6.14]",
    ignore: !hasProgram("curl"),
    command: sh(`curl -sS -H "Authorization: Bearer $API_TOKEN" ${URL_OF_API}`),
  },
  {
    name: "curl POST [F-6.14]",
    ignore: !hasProgram("curl"),
    command: sh(`curl -sS -H "Authorization: Bearer $API_TOKEN" -d '{"a":1}' ${URL_OF_API}`),
    body: '{"a":1}',
  },
  {
    name: "curl with Basic [F-6.5] [F-6.14]",
    ignore: !hasProgram("curl"),
    command: sh(`curl -sS -u "user:$API_TOKEN" ${URL_OF_API}`),
    authorization: basic,
  },
  {
    name: "curl --compressed [F-6.14]",
    ignore: !hasProgram("curl"),
    command: sh(`curl -sS --compressed -H "Authorization: Bearer $API_TOKEN" ${URL_OF_API}`),
  },
  {
    name: "wget",
    ignore: !hasProgram("wget"),
    command: sh(`wget -q -O- --header="Authorization: Bearer $API_TOKEN" ${URL_OF_API}`),
  },
];

clients.forEach(testBlindClient);

Deno.test({
  name: "kz run --blind: curl uploads five megabytes [F-6.18] [F-6.19]",
  ignore: !hasProgram("curl"),
  async fn() {
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
    await using blind = await makeBlindProject({
      respond: (request, body) => Response.json({ sha256: sha256(body), auth: request.headers.get("authorization") }),
    });
    const text = Array.from({ length: 5_000_000 / 20 }, (_, at) => `${at}`.padStart(20, ".")).join("");
    await blind.project.write("upload.txt", text);
    const { status, stdout, stderr } = await blind.shell(
      `curl -sS -H "Authorization: Bearer $API_TOKEN" -H "Expect: 100-continue" -T upload.txt ${URL_OF_API}`,
    );
    assert.equal(status, 0, stderr);
    const answer = JSON.parse(stdout);
    assert.equal(answer.sha256, sha256(text));
    assert.match(answer.auth, /^Bearer kz_masked_[0-9a-f]{32}$/);
    assert.equal(blind.upstream.seen[0]?.headers["authorization"], bearer(blind.value));
  },
});

const COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
Deno.test({
  name: "kz run --blind: git ls-remote, which logs in with Basic after a 401 [F-6.5] [F-6.15]",
  ignore: !hasProgram("git"),
  async fn() {
    await using blind = await makeBlindProject({
      respond(request) {
        if (request.headers.get("authorization") === null) {
          return new Response("who are you?", { status: 401, headers: { "www-authenticate": 'Basic realm="git"' } });
        }
        // The "dumb" protocol: files as they are in a repository.
        const files: Record<string, string> = {
          "/repo.git/info/refs": `${COMMIT}\trefs/heads/main\n`,
          "/repo.git/HEAD": "ref: refs/heads/main\n",
        };
        const file = files[new URL(request.url).pathname];
        return file === undefined ? new Response("", { status: 404 }) : new Response(file);
      },
    });
    const { status, stdout, stderr } = await blind.shell(
      `GIT_TERMINAL_PROMPT=0 GIT_CURL_VERBOSE=1 git ls-remote "https://x-access-token:$API_TOKEN@${API_HOST}/repo.git"`,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^${COMMIT}\\trefs/heads/main$`, "m"));
    const logins = blind.upstream.seen.map(({ headers }) => headers["authorization"]);
    assert.equal(logins[0], undefined);
    assert.ok(
      logins.length > 1 && logins.slice(1).every((login) => login === `Basic ${btoa(`x-access-token:${blind.value}`)}`),
    );
    assertNoLeak(blind.value, stdout + stderr, "the client's output");
  },
});

/** Registries: the tool logs in with what its user configured, and takes what it gets. */
const registries: [tool: string, script: string, answer: string, authorization: (value: string) => string][] = [
  [
    "npm",
    `npm view thing dist-tags.latest --registry=https://${API_HOST}/ "--//${API_HOST}/:_authToken=$API_TOKEN"`,
    JSON.stringify({ name: "thing", "dist-tags": { latest: "1.2.3" }, versions: { "1.2.3": { version: "1.2.3" } } }),
    bearer,
  ],
  [
    "pip",
    `pip download --no-deps --disable-pip-version-check -i "https://user:$API_TOKEN@${API_HOST}/simple" thing; echo 1.2.3`,
    "<!DOCTYPE html><html><body></body></html>",
    basic,
  ],
];
for (const [tool, script, answer, authorization] of registries) {
  Deno.test({
    name: `kz run --blind: ${tool} at a registry that wants a login [F-6.5]`,
    ignore: Deno.build.os === "windows" || !hasProgram(tool),
    async fn() {
      await using blind = await makeBlindProject({
        respond(request) {
          const type = answer.startsWith("{") ? "application/json" : "text/html";
          return request.headers.get("authorization") === null
            ? new Response("", { status: 401, headers: { "www-authenticate": "Basic" } })
            : new Response(answer, { headers: { "content-type": type } });
        },
      });
      const { stdout, stderr } = await blind.shell(script);
      assert.match(stdout, /1\.2\.3/, stderr);
      const asked = blind.upstream.seen.filter(({ url }) => url.includes("thing"));
      assert.ok(asked.some(({ headers }) => headers["authorization"] === authorization(blind.value)), stderr);
      assertNoLeak(blind.value, stdout + stderr, "the tool's output");
    },
  });
}
