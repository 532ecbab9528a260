/** Whom the proxy of a blind run serves, and when it ends. */
import assert from "node:assert/strict";
import { API_HOST, type BlindProject, makeBlindProject, SOURCE } from "./support/blind_project.ts";
import { kzCommand } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";
import { withoutDeno } from "./support/without_deno.ts";

const UNIX = Deno.build.os !== "windows";

/** A blind run that goes on until its scope ends. */
interface OpenRun extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly port: number;
  /** `user:password` of its proxy. */
  readonly login: string;
  readonly token: string;
  /** Ends the program, and returns what kz wrote to standard error. */
  end(): Promise<string>;
}

/** Starts a program that says how it is led to the proxy, then goes on; by default, to the end of its input. */
async function openRun(blind: BlindProject, { first = ":", goOn = "cat >/dev/null" } = {}): Promise<OpenRun> {
  const script = `${first}; echo "$HTTPS_PROXY $API_TOKEN"; ${goOn}`;
  const { file, args, env } = await kzCommand(["run", "--blind", "--", "sh", "-c", script], blind.project.home, {
    [SOURCE]: blind.value,
  });
  const options = { cwd: blind.project.dir, env, clearEnv: true, args } as const;
  const child = new Deno.Command(file, { ...options, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  let line = "";
  while (!line.endsWith("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the run ended: ${await stderr}`);
    line += new TextDecoder().decode(value);
  }
  const [proxy = "", token = ""] = line.trim().split(" ");
  const { username, password, port } = new URL(proxy);
  let ended: Promise<string> | undefined;
  const end = () =>
    ended ??= (async () => {
      await child.stdin.close();
      while (!(await reader.read()).done);
      await child.status;
      return withoutDeno(await stderr);
    })();
  return {
    child,
    port: Number(port),
    login: `${username}:${password}`,
    token,
    end,
    [Symbol.asyncDispose]: () => end().then(() => {}),
  };
}

/** What a proxy answers to one request in clear text, from this process: its head at least. */
async function ask(port: number, lines: readonly string[]): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`));
  const buffer = new Uint8Array(4096);
  let answer = "";
  while (!answer.includes("\r\n\r\n")) {
    const count = await conn.read(buffer);
    if (count === null) break;
    answer += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return answer;
}

const basic = (login: string) => `Proxy-Authorization: Basic ${btoa(login)}`;
const CONNECT = [`CONNECT ${API_HOST}:443 HTTP/1.1`, `Host: ${API_HOST}:443`];
const GET = [`GET http://${API_HOST}/ HTTP/1.1`, `Host: ${API_HOST}`];

Deno.test({
  name: "TM-16 another process without the run's password cannot use the proxy [F-6.11]",
  ignore: !UNIX,
  async fn() {
    await using blind = await makeBlindProject();
    await using run = await openRun(blind);
    await using other = await openRun(blind);
    const [user, password] = run.login.split(":") as [string, string];
    const logins: [why: string, lines: string[]][] = [
      ["none", []],
      ["an empty one", ["Proxy-Authorization: "]],
      ["another user", [basic(`root:${password}`)]],
      ["another password", [basic(`${user}:${"0".repeat(password.length)}`)]],
      ["the password of another run", [basic(other.login)]],
      ["a prefix of the password", [basic(`${user}:${password.slice(0, -1)}`)]],
      ["another scheme", [`Proxy-Authorization: Bearer ${password}`]],
      ["the password for the host", [`Authorization: Basic ${btoa(run.login)}`]],
      ["the right one and a wrong one", [basic(run.login), basic("kz:wrong")]],
    ];
    for (const [why, lines] of logins) {
      for (const request of [CONNECT, GET]) {
        const answer = await ask(run.port, [...request, ...lines]);
        assert.match(answer, /^HTTP\/1\.1 (407 Proxy Authentication Required|400 Bad Request)\r\n/, why);
        if (answer.includes(" 407 ")) assert.match(answer, /^Proxy-Authenticate: Basic realm=/m);
      }
    }
    assert.match(await ask(run.port, [...CONNECT, basic(run.login)]), /^HTTP\/1\.1 200 /);
    assert.equal(blind.upstream.seen.length, 0);
    const stderr = await run.end();
    assert.match(stderr, /^kz: refused\[PROXY_CREDENTIALS_REQUIRED\]: .*\n {4}hint: /m);
    assert.ok(!stderr.includes(password), "the password was written");
  },
});

Deno.test({
  name: "TM-16 the proxy listens on loopback alone [F-6.11]",
  ignore: !UNIX || outerAddresses().length === 0,
  async fn() {
    await using blind = await makeBlindProject();
    await using run = await openRun(blind);
    for (const hostname of outerAddresses()) {
      await assert.rejects(Deno.connect({ hostname, port: run.port }), Deno.errors.ConnectionRefused);
    }
  },
});

Deno.test({
  name: "two blind runs do not disturb each other, and a token of one is refused in the other [F-6.1] [F-6.20]",
  ignore: !UNIX || !hasProgram("curl"),
  async fn() {
    await using blind = await makeBlindProject();
    await using other = await openRun(blind);
    const send = (token: string) => blind.shell(`curl -s -w ' %{http_code}' -H "X-Key: ${token}" https://api.test/`);
    const foreign = await send(other.token);
    assert.match(foreign.stdout, /"code":"PROXY_TOKEN_UNKNOWN".* 403$/s);
    assert.match(foreign.stderr, /refused\[PROXY_TOKEN_UNKNOWN\]: .*\n {4}hint: /);
    assert.equal(blind.upstream.seen.length, 0);
    const [own, again] = await Promise.all([send("$API_TOKEN"), send("$API_TOKEN")]);
    for (const { stdout } of [own, again]) assert.match(stdout, / 200$/);
    assert.deepEqual(blind.upstream.seen.map(({ headers }) => headers["x-key"]), [blind.value, blind.value]);
    // The run that was there all along still serves.
    assert.match(await ask(other.port, [...CONNECT, basic(other.login)]), /^HTTP\/1\.1 200 /);
  },
});

Deno.test({
  name: "kz run --blind ends the proxy with the program, also when the program leaves a process behind",
  ignore: !UNIX,
  async fn() {
    await using blind = await makeBlindProject();
    const { status, stdout } = await blind.shell('echo "$HTTPS_PROXY"; sleep 5 >/dev/null 2>&1 & exit 4');
    assert.equal(status, 4);
    await assert.rejects(ask(Number(new URL(stdout.trim()).port), GET), Deno.errors.ConnectionRefused);
  },
});

Deno.test({
  name: "kz run --blind relays a signal, ends with the program's status and leaves no file [F-4.5]",
  ignore: !UNIX,
  async fn() {
    await using blind = await makeBlindProject();
    await using run = await openRun(blind, { first: "trap 'exit 7' TERM", goOn: "while :; do sleep 0.05; done" });
    run.child.kill("SIGTERM");
    assert.equal((await run.child.status).code, 7);
    await assert.rejects(ask(run.port, GET), Deno.errors.ConnectionRefused);
    const left = [...Deno.readDirSync(`${blind.project.home}/tmp`)].filter(({ name }) => name.startsWith("kz-"));
    assert.deepEqual(left, [], "files of the run were left");
  },
});

Deno.test({
  name: "when kz is killed, the network of its program is dead",
  ignore: !UNIX,
  async fn() {
    await using blind = await makeBlindProject();
    await using run = await openRun(blind);
    assert.match(await ask(run.port, [...CONNECT, basic(run.login)]), /^HTTP\/1\.1 200 /);
    run.child.kill("SIGKILL");
    await run.child.status;
    await assert.rejects(ask(run.port, [...CONNECT, basic(run.login)]), Deno.errors.ConnectionRefused);
  },
});

function outerAddresses(): string[] {
  return Deno.networkInterfaces().filter(({ family, address }) => family === "IPv4" && !address.startsWith("127."))
    .map(({ address }) => address);
}
