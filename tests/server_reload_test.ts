/** A bundle that changes while the server runs: the new one or the old one, whole. */
import assert from "node:assert/strict";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { makeCanary } from "./support/project.ts";
import { startTeamServer, type TeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

const UNIX = Deno.build.os !== "windows";

async function isAllowed(server: TeamServer, jwt: string): Promise<boolean> {
  const response = await fetch(`${await server.url()}/v1/resolve`, {
    method: "POST",
    headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
    body: JSON.stringify({ ref: "github/pat" }),
  });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.results["github/pat"].allowed;
}

/** Whether something listens at the proxy's address. */
async function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  try {
    (await Deno.connect({ hostname, port: Number(port) })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("a changed bundle is taken, and a broken one is not [S-1.6]", async () => {
  const canary = makeCanary();
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  const bundle = githubBundle(issuer, upstream);
  await using server = await startTeamServer({
    bundle,
    files: githubFiles(canary, upstream),
    args: ["--listen", "127.0.0.1:0", "--proxy", "127.0.0.1:0"],
  });
  const jwt = await issuer.sign();
  assert.equal(await isAllowed(server, jwt), true);
  const proxy = await server.proxyUrl();
  assert.equal(await answers(proxy), true);

  await server.project.write("bundle.yaml", bundle.replace(`service == "agent"`, `service == "somebody-else"`));
  await server.line(/the bundle was read again and is in force/);
  assert.equal(await isAllowed(server, jwt), false);
  assert.equal(await answers(proxy), true, "the proxy has moved");

  await server.project.write("bundle.yaml", `${bundle}\nunknown_key: ${canary}\n`);
  await server.line(/the bundle was not taken; the one before stays in force/);
  assert.match(server.stderr, /error\[CONFIG_KEY_UNKNOWN\]: .*bundle\.yaml:\d+/);
  assert.equal(server.stderr.includes(canary), false);
  assert.equal(await isAllowed(server, jwt), false);
  assert.equal(await answers(proxy), true);

  await server.project.write("bundle.yaml", bundle);
  await server.line(/(?:the bundle was read again and is in force[^]*){2}/);
  assert.equal(await isAllowed(server, jwt), true);
  const events = (await server.audit()).filter(({ event }) => event === "server");
  assert.deepEqual(events.map(({ outcome }) => outcome), ["allowed", "allowed", "denied", "allowed"]);
  assert.equal(await server.stop(), 0, server.stderr);
});

Deno.test({
  name: "SIGHUP reads the bundle again, also when it is the same, and the audit log by its name [S-1.6]",
  ignore: !UNIX,
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    await using server = await startTeamServer({
      bundle: githubBundle(issuer, upstream),
      files: githubFiles(makeCanary(), upstream),
      args: ["--listen", "127.0.0.1:0"],
    });
    await server.url();
    await Deno.rename(`${server.project.dir}/audit.jsonl`, `${server.project.dir}/audit.1.jsonl`);
    server.kill("SIGHUP");
    await server.line(/the bundle was read again and is in force/);
    assert.equal(await isAllowed(server, await issuer.sign()), true);
    assert.ok((await server.audit()).some(({ event }) => event === "resolve"));
    assert.equal(await server.stop(), 0, server.stderr);
    const verified = await server.project.kz(["audit", "verify", "audit.1.jsonl", "audit.jsonl"]);
    assert.equal(verified.status, 0, verified.stderr);
  },
});

Deno.test("a server does not start with a broken bundle, and says where it is broken [S-1.2]", async () => {
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  await using server = await startTeamServer({
    bundle: githubBundle(issuer, upstream).replace("effect: allow", "effect: perhaps"),
    files: githubFiles(makeCanary(), upstream),
    args: ["--listen", "127.0.0.1:0"],
  });
  await assert.rejects(server.url());
  assert.equal(await server.stop(), 3);
  assert.match(server.stderr, /bundle\.yaml:\d+: policies\[0\]\.effect/);
});

Deno.test("a broken bundle is told of once, whatever else changes beside it [S-1.6]", async () => {
  const issuer = await TestIssuer.create();
  await using upstream = await startTlsUpstream({ host: "api.github.com" });
  const bundle = githubBundle(issuer, upstream);
  await using server = await startTeamServer({
    bundle,
    files: githubFiles(makeCanary(), upstream),
    args: ["--listen", "127.0.0.1:0"],
  });
  const jwt = await issuer.sign();
  await server.url();
  await server.project.write("bundle.yaml", `${bundle}\nunknown_key: 1\n`);
  await server.line(/the bundle was not taken/);
  // Both write the audit log, which is in the bundle's directory, as is a file of others.
  for (let times = 0; times < 10; times++) {
    assert.equal(await isAllowed(server, jwt), true);
    await server.project.write("notes.txt", String(times));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await server.project.write("bundle.yaml", bundle.replace("agent-reads-github", "renamed"));
  // Taken although something beside it changes all the time.
  const writing = setInterval(() => void server.project.write("notes.txt", String(Math.random())), 50);
  await server.line(/the bundle was read again and is in force/).finally(() => clearInterval(writing));
  assert.equal(server.stderr.match(/the bundle was not taken/g)?.length, 1, server.stderr);
  assert.equal(await server.stop(), 0, server.stderr);
});

Deno.test({
  name: "a fetch is not turned away when the bundle is read again meanwhile [S-1.4]",
  ignore: !UNIX,
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com", respond: () => new Response("ok") });
    await using server = await startTeamServer({
      bundle: githubBundle(issuer, upstream),
      files: githubFiles(makeCanary(), upstream),
      args: ["--listen", "127.0.0.1:0"],
    });
    const url = `${await server.url()}/v1/fetch`;
    const body = JSON.stringify({ resource: "github/pat", url: "https://api.github.com/user" });
    let isOver = false;
    const answers = new Map<number, number>();
    const clients = Array.from({ length: 16 }, async (_, index) => {
      const headers = {
        authorization: `Bearer ${await issuer.sign({ sub: `agent-${index}` })}`,
        "content-type": "application/json",
      };
      while (!isOver) {
        const response = await fetch(url, { method: "POST", headers, body });
        await response.body?.cancel();
        answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
      }
    });
    for (let reload = 1; reload <= 8; reload++) {
      server.kill("SIGHUP");
      await server.line(new RegExp(`(?:in force[^]*){${reload}}`));
    }
    isOver = true;
    await Promise.all(clients);
    assert.deepEqual([...answers.keys()], [200]);
  },
});

Deno.test({
  name: "TM-27 a bundle is taken while the audit log cannot be written, and the log says so later [S-1.6]",
  ignore: !UNIX,
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    const bundle = githubBundle(issuer, upstream);
    await using server = await startTeamServer({
      bundle,
      files: githubFiles(makeCanary(), upstream),
      args: ["--listen", "127.0.0.1:0"],
    });
    await server.url();
    const log = `${server.project.dir}/audit.jsonl`;
    const ask = async () => {
      const response = await fetch(`${await server.url()}/v1/resolve`, {
        method: "POST",
        headers: { authorization: `Bearer ${await issuer.sign()}`, "content-type": "application/json" },
        body: JSON.stringify({ ref: "github/pat" }),
      });
      await response.body?.cancel();
      return response.status;
    };
    await Deno.remove(log);
    await Deno.mkdir(log);
    server.kill("SIGHUP");
    await server.line(/error\[AUDIT_UNWRITABLE\][^]*the bundle was read again and is in force/);
    await server.project.write("bundle.yaml", bundle.replace("agent-reads-github", "renamed"));
    await server.line(/(?:the bundle was read again and is in force[^]*){2}/);
    assert.equal(await ask(), 503);
    assert.doesNotMatch(server.stderr, /was not taken|INTERNAL/);

    await Deno.remove(log);
    assert.equal(await ask(), 200);
    await server.line(/the audit log can be written again/);
    // What comes after the owed lines.
    server.kill("SIGHUP");
    await server.line(/(?:the bundle was read again and is in force[^]*){3}/);
    assert.equal(await server.stop(), 0, server.stderr);
    const events = (await server.audit()).filter(({ event }) => event === "server");
    const taken = "bundle read again";
    assert.deepEqual(events.map(({ detail }) => detail), [taken, taken, taken, "stopped"]);
  },
});

Deno.test({
  name: "a bundle that becomes a named pipe is not waited for, and a server beside one ends [S-1.6]",
  ignore: !UNIX,
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com" });
    const bundle = githubBundle(issuer, upstream);
    await using server = await startTeamServer({
      bundle,
      files: githubFiles(makeCanary(), upstream),
      args: ["--listen", "127.0.0.1:0"],
    });
    const jwt = await issuer.sign();
    await server.url();
    const { dir } = server.project;
    await Deno.remove(`${dir}/bundle.yaml`);
    await new Deno.Command("mkfifo", { args: [`${dir}/bundle.yaml`, `${dir}/pipe`] }).output();
    await server.line(/bundle\.yaml: it is not a regular file[^]*the bundle was not taken/);
    assert.equal(await isAllowed(server, jwt), true);
    await Deno.remove(`${dir}/bundle.yaml`);
    await server.project.write("bundle.yaml", bundle.replace(`service == "agent"`, `service == "somebody-else"`));
    await server.line(/the bundle was read again and is in force/);
    assert.equal(await isAllowed(server, jwt), false);
    assert.equal(await server.stop(), 0, server.stderr);
  },
});
