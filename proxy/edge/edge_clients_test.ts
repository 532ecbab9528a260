import assert from "node:assert/strict";
import { CANARY, okay } from "../testing/lab.ts";
import { type EdgeLab, openEdgeLab } from "./testing/edge_lab.ts";

/** What a program prints and how it ends, run as an agent would run it: with a proxy URL and the server's authority. */
async function run(lab: EdgeLab, program: string, args: readonly string[]): Promise<{ code: number; out: string }> {
  const caFile = await Deno.makeTempFile({ suffix: ".pem" });
  try {
    await Deno.writeTextFile(caFile, lab.proxy.caPem);
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: "/nonexistent",
        HTTPS_PROXY: `http://kz:${await lab.pass()}@127.0.0.1:${lab.proxy.port}`,
        https_proxy: `http://kz:${await lab.pass()}@127.0.0.1:${lab.proxy.port}`,
        CURL_CA_BUNDLE: caFile,
        GIT_SSL_CAINFO: caFile,
        GIT_TERMINAL_PROMPT: "0",
        DENO_CERT: caFile,
        NO_COLOR: "1",
      },
    }).output();
    const out = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(!out.includes(CANARY), "the value was printed");
    return { code, out };
  } finally {
    await Deno.remove(caFile);
  }
}

/** Only who shows the value is let in, as by a real host; what it sent is echoed. */
function guarded(login: string): (request: string) => string {
  return (request) =>
    request.toLowerCase().includes(`authorization: ${login.toLowerCase()}\r\n`)
      ? okay(`welcome\n${request}`)
      : `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="host"\r\nContent-Length: 0\r\n\r\n`;
}

const has = async (program: string) => {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
};
const [CURL, GIT] = await Promise.all(["curl", "git"].map(has));

Deno.test({
  name: "EdgeProxy serves curl: a token in a header, which comes back as itself [S-6.2]",
  ignore: !CURL,
  async fn() {
    await using lab = await openEdgeLab({ respond: guarded(`Bearer ${CANARY}`) });
    const token = await lab.token();
    const args = ["--silent", "--show-error", "--header", `Authorization: Bearer ${token}`, "https://api.test/repos"];
    const { code, out } = await run(lab, "curl", args);
    assert.equal(code, 0, out);
    assert.match(out, /^welcome\n/);
    assert.ok(out.includes(`Bearer ${token}`));
    assert.deepEqual(lab.events.map(({ outcome }) => outcome), ["allowed"]);
  },
});

Deno.test({
  name: "EdgeProxy serves curl: Basic with the token as the password [S-6.2]",
  ignore: !CURL,
  async fn() {
    await using lab = await openEdgeLab({
      resources: [{ location: "basic:bot" }],
      respond: guarded(`Basic ${btoa(`bot:${CANARY}`)}`),
    });
    const { code, out } = await run(lab, "curl", ["-sS", "--user", `bot:${await lab.token()}`, "https://api.test/"]);
    assert.equal(code, 0, out);
    assert.match(out, /^welcome\n/);
  },
});

Deno.test({
  name: "TM-36 EdgeProxy tells curl why a token is refused, and no more than that",
  ignore: !CURL,
  async fn() {
    await using lab = await openEdgeLab();
    const token = await lab.token({ subject: "agent-2" });
    const args = ["-sS", "--header", `Authorization: Bearer ${token}`, "https://api.test/repos"];
    const { out } = await run(lab, "curl", args);
    assert.deepEqual(JSON.parse(out), {
      error: {
        code: "PROXY_TOKEN_SUBJECT_MISMATCH",
        message: "A token in this request belongs to another caller",
        host: "api.test",
      },
    });
    assert.equal(lab.upstream.connections, 0);
  },
});

Deno.test({
  name: "EdgeProxy serves git, which asks without credentials first [S-6.2]",
  ignore: !GIT,
  async fn() {
    const head = "0123456789abcdef0123456789abcdef01234567";
    const enter = guarded(`Basic ${btoa(`git:${CANARY}`)}`);
    await using lab = await openEdgeLab({
      resources: [{ location: "basic:git", hosts: ["api.test/acme"] }],
      // git's dumb protocol: its refs are a file.
      respond: (request) => {
        const answer = enter(request);
        if (answer.startsWith("HTTP/1.1 401 ")) return answer;
        return okay(/info\/refs/.test(request) ? `${head}\trefs/heads/main\n` : "ref: refs/heads/main\n");
      },
    });
    const { code, out } = await run(lab, "git", [
      "ls-remote",
      `https://git:${await lab.token()}@api.test/acme/repo.git`,
    ]);
    assert.equal(code, 0, out);
    assert.match(out, new RegExp(`${head}\\trefs/heads/main`));
    assert.ok(!/^Authorization:/m.test(lab.upstream.requests[0]!));
    assert.ok(!lab.upstream.received.includes("KZ_"));
  },
});

Deno.test("EdgeProxy serves Deno's fetch, several requests on one connection [S-6.2]", async () => {
  await using lab = await openEdgeLab({ respond: guarded(`Bearer ${CANARY}`) });
  const script = `for (let round = 0; round < 3; round++) {
      const headers = { authorization: "Bearer " + "${await lab.token()}" };
      console.log((await (await fetch("https://api.test/repos", { headers })).text()).split("\\n")[0]);
    }`;
  const { out } = await run(lab, Deno.execPath(), ["eval", script]);
  assert.match(out, /welcome\nwelcome\nwelcome\n/);
  assert.equal(lab.events.length, 3);
});
