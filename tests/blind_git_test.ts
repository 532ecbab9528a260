/** git over its own protocol, with git's own server behind TLS: clone, fetch, push, in a blind run. */
import assert from "node:assert/strict";
import { parseHost } from "../policy/host.ts";
import { CertificateAuthority } from "../proxy/tls/certificate_authority.ts";
import { API_HOST, SOURCE } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary, makeProject } from "./support/project.ts";

/** A bare repository behind TLS and Basic authentication. */
interface GitHost extends AsyncDisposable {
  readonly port: number;
  readonly caPem: string;
  /** The bodies' `Content-Encoding`, where there was one. */
  readonly encodings: readonly string[];
}

async function startGitHost(folder: string, login: string): Promise<GitHost> {
  const authority = await CertificateAuthority.create({ now: new Date() });
  const { certPem, keyPem } = await authority.issue(parseHost(API_HOST));
  const encodings: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} },
    async (request) => {
      const body = await request.bytes();
      const encoding = request.headers.get("content-encoding");
      if (encoding !== null) encodings.push(encoding);
      if (request.headers.get("authorization") !== `Basic ${btoa(login)}`) {
        return new Response("who are you?", { status: 401, headers: { "www-authenticate": 'Basic realm="git"' } });
      }
      return await runBackend(folder, request, body);
    },
  );
  return {
    port: server.addr.port,
    caPem: authority.certificatePem,
    encodings,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs `git http-backend` as a web server does (RFC 3875). */
async function runBackend(folder: string, request: Request, body: Uint8Array): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const child = new Deno.Command("git", {
    args: ["http-backend"],
    env: {
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      REMOTE_USER: "somebody",
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      CONTENT_LENGTH: `${body.length}`,
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const [output] = await Promise.all([child.output(), ReadableStream.from([body]).pipeTo(child.stdin)]);
  const end = new TextDecoder("latin1").decode(output.stdout).indexOf("\r\n\r\n");
  const headers = new Headers();
  for (const line of new TextDecoder().decode(output.stdout.subarray(0, end)).split("\r\n")) {
    headers.set(line.split(": ", 1)[0]!, line.slice(line.indexOf(": ") + 2));
  }
  const status = Number(headers.get("status")?.slice(0, 3) ?? 200);
  headers.delete("status");
  return new Response(output.stdout.subarray(end + 4), { status, headers });
}

Deno.test({
  name: "kz run --blind: git clones, fetches and pushes with a token in its URL [F-6.5] [F-6.15]",
  ignore: Deno.build.os === "windows" || !hasGitServer(),
  async fn() {
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
  },
});

/** Some systems have git's server in a package of its own. */
function hasGitServer(): boolean {
  if (!hasProgram("git")) return false;
  const { stdout } = new Deno.Command("git", { args: ["--exec-path"] }).outputSync();
  try {
    return Deno.statSync(`${new TextDecoder().decode(stdout).trim()}/git-http-backend`).isFile;
  } catch {
    return false;
  }
}
