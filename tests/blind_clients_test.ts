/**
 * Programs as they are, in a blind run, against a TLS server of ours in the role of a public host: the server receives
 * the real value; the program shows a token, although the server echoes what it received.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { API_HOST, makeBlindProject } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak } from "./support/project.ts";

const URL_OF_API = `https://${API_HOST}/v1/thing`;
const PYTHON_PREFIX = `import os; auth = {"Authorization": "Bearer " + os.environ["API_TOKEN"]}`;

interface Client {
  readonly name: string;
  readonly ignore: boolean;
  readonly command: readonly string[];
  /** Files that the command needs. */
  readonly files?: Readonly<Record<string, string>>;
  /** How the value arrives; default: as a bearer token. */
  readonly authorization?: (value: string) => string;
  readonly body?: string;
}

const basic = (value: string) => `Basic ${btoa(`user:${value}`)}`;
const sh = (script: string) => ["sh", "-c", script];

const clients: Client[] = [
  {
    name: "Node's fetch [F-6.12] [F-6.17]",
    ignore: !hasProgram("node"),
    command: [
      "node",
      "-e",
      `fetch("${URL_OF_API}", { headers: { authorization: "Bearer " + process.env.API_TOKEN } })
        .then((answer) => answer.text()).then(console.log)`,
    ],
  },
  {
    name: "Node's https.get [F-6.12] [F-6.17]",
    ignore: !hasProgram("node"),
    command: [
      "node",
      "-e",
      `require("https").get("${URL_OF_API}", { headers: { authorization: "Bearer " + process.env.API_TOKEN } },
        (answer) => answer.pipe(process.stdout))`,
    ],
  },
  {
    name: "Node's https.request with an agent of its own and a body [F-6.12] [F-6.17]",
    ignore: !hasProgram("node"),
    command: [
      "node",
      "-e",
      `const https = require("https");
       https.request("${URL_OF_API}", { method: "POST", agent: new https.Agent({ keepAlive: true }),
         headers: { authorization: "Bearer " + process.env.API_TOKEN } },
         (answer) => answer.pipe(process.stdout).on("unpipe", () => process.exit(0))).end("a body");`,
    ],
    body: "a body",
  },
  {
    name: "Python's urllib [F-6.13]",
    ignore: !hasProgram("python3"),
    command: [
      "python3",
      "-c",
      `${PYTHON_PREFIX}
import urllib.request
print(urllib.request.urlopen(urllib.request.Request("${URL_OF_API}", headers=auth)).read().decode())`,
    ],
  },
  {
    name: "Python's requests [F-6.13]",
    ignore: !hasPythonModule("requests"),
    command: [
      "python3",
      "-c",
      `${PYTHON_PREFIX}\nimport requests\nprint(requests.get("${URL_OF_API}", headers=auth).text)`,
    ],
  },
  {
    name: "Python's requests with a session and Basic [F-6.13]",
    ignore: !hasPythonModule("requests"),
    command: [
      "python3",
      "-c",
      `import os, requests
session = requests.Session()
session.auth = ("user", os.environ["API_TOKEN"])
print(session.post("${URL_OF_API}", data="a body").text)`,
    ],
    authorization: basic,
    body: "a body",
  },
  {
    name: "Python's httpx [F-6.13]",
    ignore: !hasPythonModule("httpx"),
    command: ["python3", "-c", `${PYTHON_PREFIX}\nimport httpx\nprint(httpx.get("${URL_OF_API}", headers=auth).text)`],
  },
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
    name: "Deno's fetch [F-6.16]",
    ignore: false,
    command: [
      Deno.execPath(),
      "eval",
      "--no-config",
      `const headers = { authorization: "Bearer " + Deno.env.get("API_TOKEN") };
       console.log(await (await fetch("${URL_OF_API}", { headers })).text());`,
    ],
  },
  {
    name: "Ruby's Net::HTTP [F-6.16]",
    ignore: !hasProgram("ruby"),
    command: [
      "ruby",
      "-rnet/http",
      "-e",
      `puts Net::HTTP.get(URI("${URL_OF_API}"), { "Authorization" => "Bearer " + ENV.fetch("API_TOKEN") })`,
    ],
  },
  // Java takes a proxy's address from its properties, and its credentials from the program alone.
  {
    name: "Java's HttpClient [F-6.16]",
    ignore: !hasProgram("javac"),
    command: ["java", "Client.java"],
    files: {
      "Client.java": `import java.net.*; import java.net.http.*; import java.util.Base64;
public class Client { public static void main(String[] args) throws Exception {
  var login = URI.create(System.getenv("HTTPS_PROXY")).getUserInfo();
  var request = HttpRequest.newBuilder(URI.create("${URL_OF_API}"))
    .header("Authorization", "Bearer " + System.getenv("API_TOKEN"))
    .header("Proxy-Authorization", "Basic " + Base64.getEncoder().encodeToString(login.getBytes())).build();
  System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
} }`,
    },
  },
  {
    name: "Java's HttpsURLConnection [F-6.16]",
    ignore: !hasProgram("javac"),
    command: ["java", "Client.java"],
    files: {
      "Client.java": `import java.net.*;
public class Client { public static void main(String[] args) throws Exception {
  var login = URI.create(System.getenv("HTTPS_PROXY")).getUserInfo().split(":");
  Authenticator.setDefault(new Authenticator() { protected PasswordAuthentication getPasswordAuthentication() {
    return getRequestorType() == RequestorType.PROXY
      ? new PasswordAuthentication(login[0], login[1].toCharArray()) : null; } });
  var connection = new URL("${URL_OF_API}").openConnection();
  connection.setRequestProperty("Authorization", "Bearer " + System.getenv("API_TOKEN"));
  System.out.println(new String(connection.getInputStream().readAllBytes()));
} }`,
    },
  },
];

for (const { name, ignore, command, files = {}, authorization = bearer, body = "" } of clients) {
  Deno.test({
    name: `kz run --blind: ${name}`,
    ignore: ignore || Deno.build.os === "windows",
    async fn() {
      await using blind = await makeBlindProject();
      for (const [path, content] of Object.entries(files)) await blind.project.write(path, content);
      const { status, stdout, stderr } = await blind.blind(command);
      assert.equal(status, 0, stderr);
      assert.equal(blind.upstream.seen.length, 1);
      const [seen] = blind.upstream.seen;
      assert.equal(seen?.headers["authorization"], authorization(blind.value));
      assert.equal(seen?.body, body);
      // The echo came through, with a token in the value's place.
      assert.match(stdout, /"authorization":"(Bearer|Basic) [^"]*kz_masked_[0-9a-f]{32}/);
      assertNoLeak(blind.value, stdout + stderr, "the client's output");
    },
  });
}

function bearer(value: string): string {
  return `Bearer ${value}`;
}

Deno.test({
  name: "kz run --blind: Go's net/http [F-6.16]",
  ignore: !hasProgram("go"),
  async fn() {
    await using blind = await makeBlindProject();
    await blind.project.write(
      "client.go",
      `package main
import ("io"; "net/http"; "os")
func main() {
  request, _ := http.NewRequest("GET", "${URL_OF_API}", nil)
  request.Header.Set("Authorization", "Bearer " + os.Getenv("API_TOKEN"))
  answer, err := http.DefaultClient.Do(request)
  if err != nil { println(err.Error()); os.Exit(1) }
  io.Copy(os.Stdout, answer.Body)
}`,
    );
    // Outside of the run, with the caller's cache: building Go's library anew takes half a minute.
    const build = await new Deno.Command("go", {
      args: ["build", "-o", "client", "client.go"],
      cwd: blind.project.dir,
    }).output();
    assert.ok(build.success, new TextDecoder().decode(build.stderr));
    const { status, stdout, stderr } = await blind.blind(["./client"]);
    assert.equal(status, 0, stderr);
    assert.equal(blind.upstream.seen[0]?.headers["authorization"], bearer(blind.value));
    assert.match(stdout, /Bearer kz_masked_/);
    assertNoLeak(blind.value, stdout + stderr, "the client's output");
  },
});

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

function hasPythonModule(name: string): boolean {
  if (!hasProgram("python3")) return false;
  return new Deno.Command("python3", { args: ["-c", `import ${name}`], stdout: "null", stderr: "null" }).outputSync()
    .success;
}
