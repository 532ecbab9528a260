/**
 * Runtimes as they are, in a blind run, against a TLS server of ours in the role of a public host: the server receives
 * the real value; the program shows a token, although the server echoes what it received.
 */
import assert from "node:assert/strict";
import { basic, bearer, type BlindClient, testBlindClient, URL_OF_API } from "./support/blind_client.ts";
import { makeBlindProject } from "./support/blind_project.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak } from "./support/project.ts";

const PYTHON_PREFIX = `import os; auth = {"Authorization": "Bearer " + os.environ["API_TOKEN"]}`;

const clients: BlindClient[] = [
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

clients.forEach(testBlindClient);

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

function hasPythonModule(name: string): boolean {
  if (!hasProgram("python3")) return false;
  return new Deno.Command("python3", { args: ["-c", `import ${name}`], stdout: "null", stderr: "null" }).outputSync()
    .success;
}
