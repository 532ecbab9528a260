import assert from "node:assert/strict";
import { API_HOST, makeBlindProject, SOURCE } from "../blind_project.ts";
import { assertNoLeak, makeCanary, makeProject } from "../project.ts";
import { startGitHost } from "./git_host.ts";
import type { ListedClient } from "./listed_client.ts";
import { sh } from "./shell.ts";

/** git over its "dumb" protocol, and over its own with its own server behind TLS. */
export const GIT: readonly ListedClient[] = [
  {
    program: { name: "git", version: ["git", "--version"] },
    what: "`ls-remote`, which logs in with Basic after a 401",
    outcome: "works",
    run: checkLsRemote,
  },
  {
    // Some systems have git's server in a package of its own.
    program: { name: "git", version: sh('test -x "$(git --exec-path)/git-http-backend" && git --version') },
    what: "`clone`, `fetch`, `pull` and `push` with a token in the URL",
    outcome: "works",
    run: checkClone,
  },
];

const COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

async function checkLsRemote(): Promise<void> {
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
}

async function checkClone(): Promise<void> {
  const value = makeCanary();
  await using project = await makeProject();
  const identity = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@a",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@a",
  };
  const git = async (...args: string[]) => {
    const output = await new Deno.Command("git", { args, cwd: project.dir, env: identity }).output();
    assert.ok(output.success, new TextDecoder().decode(output.stderr));
  };
  await git("init", "--quiet", "--bare", "--initial-branch=main", "host/repo.git");
  await git("-C", "host/repo.git", "config", "http.receivepack", "true");
  await git("init", "--quiet", "--initial-branch=main", "first");
  // Many commits make a request long enough for git to compress it.
  for (let count = 0; count < 60; count++) {
    await project.write("first/file.txt", `${count} ${crypto.randomUUID()}\n`.repeat(200));
    await git("-C", "first", "add", ".");
    await git("-C", "first", "commit", "--quiet", "-m", `${count}`);
    await git("-C", "first", "branch", `branch-${count}`);
  }
  await using host = await startGitHost(`${project.dir}/host`, `x-access-token:${value}`);
  await project.write("upstream-ca.pem", host.caPem);
  await project.write(
    ".keyzero.toml",
    `[secrets]
API_TOKEN = { provider = "env", ref = "${SOURCE}", hosts = ["${API_HOST}/repo.git"] }
[blind]
keep_env = ["GIT_*"]
upstream_ca = "upstream-ca.pem"
connect = { "${API_HOST}" = "127.0.0.1:${host.port}" }
[[blind.connections]]
allow = true
host = "${API_HOST}"
`,
  );
  const script = `set -e; url="https://x-access-token:$API_TOKEN@${API_HOST}/repo.git"
    git -C first push --quiet --all "$url"
    git clone --quiet "$url" second
    echo more >second/more.txt; git -C second add .; git -C second commit --quiet -m more; git -C second push --quiet
    git -C first pull --quiet "$url" main; cat first/more.txt
    git -C second fetch --quiet --all; git -C second log --oneline | wc -l`;
  const { status, stdout, stderr } = await project.kz(["run", "--blind", "--", "sh", "-c", script], {
    env: { ...identity, [SOURCE]: value, GIT_TERMINAL_PROMPT: "0" },
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^more\n61\n$/);
  assert.ok(host.encodings.includes("gzip"), "no request was compressed");
  assertNoLeak(value, stdout + stderr, "what git wrote");
  // git keeps the URL: it holds the token.
  const config = await Deno.readTextFile(`${project.dir}/second/.git/config`);
  assert.match(config, /x-access-token:kz_masked_[0-9a-f]{32}@/);
}
