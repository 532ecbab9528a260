import { URL_OF_API } from "../blind_client.ts";
import { echoed, echoedBasic, type ListedClient, type Program } from "./listed_client.ts";

const NODE: Program = { name: "Node", version: ["node", "--version"] };
const DENO: Program = { name: "Deno", version: [Deno.execPath(), "--version"] };
const RUBY: Program = { name: "Ruby", version: ["ruby", "--version"] };
// `javac` stands for a JDK, which runs a source file.
const JAVA: Program = { name: "Java", version: ["javac", "-version"] };
const PYTHON: Program = { name: "Python", version: ["python3", "--version"] };

/** A module of the `python3` on the path. */
function pythonModule(name: string): Program {
  return { name: `Python's ${name}`, version: ["python3", "-c", `import ${name}; print(${name}.__version__)`] };
}

const node = (script: string) => ["node", "-e", script];
const NODE_HEADERS = `headers: { authorization: "Bearer " + process.env.API_TOKEN }`;

const python = (script: string) => [
  "python3",
  "-c",
  `import os; auth = {"Authorization": "Bearer " + os.environ["API_TOKEN"]}\n${script}`,
];

/** Runtimes and their libraries. */
export const RUNTIMES: readonly ListedClient[] = [
  echoed(NODE, "`fetch` with a bearer token", {
    command: node(`fetch("${URL_OF_API}", { ${NODE_HEADERS} }).then((answer) => answer.text()).then(console.log)`),
  }),
  echoed(NODE, "`https.get` with a bearer token", {
    command: node(
      `require("https").get("${URL_OF_API}", { ${NODE_HEADERS} }, (answer) => answer.pipe(process.stdout))`,
    ),
  }),
  echoed(NODE, "`https.request` with an agent of its own and a body", {
    command: node(
      `const https = require("https");
       https.request("${URL_OF_API}", { method: "POST", agent: new https.Agent({ keepAlive: true }), ${NODE_HEADERS} },
         (answer) => answer.pipe(process.stdout).on("unpipe", () => process.exit(0))).end("a body");`,
    ),
    body: "a body",
  }),
  echoed(DENO, "`fetch` with a bearer token", {
    command: [
      Deno.execPath(),
      "eval",
      "--no-config",
      `const headers = { authorization: "Bearer " + Deno.env.get("API_TOKEN") };
       console.log(await (await fetch("${URL_OF_API}", { headers })).text());`,
    ],
  }),
  echoed(PYTHON, "`urllib.request` with a bearer token", {
    command: python(
      `import urllib.request
print(urllib.request.urlopen(urllib.request.Request("${URL_OF_API}", headers=auth)).read().decode())`,
    ),
  }),
  echoed(pythonModule("requests"), "GET with a bearer token", {
    command: python(`import requests; print(requests.get("${URL_OF_API}", headers=auth).text)`),
  }),
  echoedBasic(pythonModule("requests"), "a session with Basic, and a body", {
    command: python(
      `import requests
session = requests.Session()
session.auth = ("user", os.environ["API_TOKEN"])
print(session.post("${URL_OF_API}", data="a body").text)`,
    ),
    body: "a body",
  }),
  echoed(pythonModule("httpx"), "GET with a bearer token", {
    command: python(`import httpx; print(httpx.get("${URL_OF_API}", headers=auth).text)`),
  }),
  echoedBasic(pythonModule("httpx"), "`AsyncClient` with Basic", {
    command: python(
      `import asyncio, httpx
async def main():
  async with httpx.AsyncClient(auth=("user", os.environ["API_TOKEN"])) as client:
    print((await client.get("${URL_OF_API}")).text)
asyncio.run(main())`,
    ),
  }),
  echoed(pythonModule("aiohttp"), "GET with `trust_env` and a bearer token", {
    command: python(
      `import asyncio, aiohttp
async def main():
  async with aiohttp.ClientSession(trust_env=True) as session:
    async with session.get("${URL_OF_API}", headers=auth) as answer: print(await answer.text())
asyncio.run(main())`,
    ),
  }),
  echoed(RUBY, "`Net::HTTP` with a bearer token", {
    command: [
      "ruby",
      "-rnet/http",
      "-e",
      `puts Net::HTTP.get(URI("${URL_OF_API}"), { "Authorization" => "Bearer " + ENV.fetch("API_TOKEN") })`,
    ],
  }),
  // Java takes a proxy's address from its properties, and its credentials from the program alone.
  echoed(JAVA, "`HttpClient` that sends the proxy's credentials, with a bearer token", {
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
  }),
  echoed(JAVA, "`HttpsURLConnection` with an `Authenticator` for the proxy and a bearer token", {
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
  }),
  echoed({ name: "Go", version: ["go", "version"] }, "`net/http` with a bearer token", {
    command: ["./client"],
    files: {
      "client.go": `package main
import ("io"; "net/http"; "os")
func main() {
  request, _ := http.NewRequest("GET", "${URL_OF_API}", nil)
  request.Header.Set("Authorization", "Bearer " + os.Getenv("API_TOKEN"))
  answer, err := http.DefaultClient.Do(request)
  if err != nil { println(err.Error()); os.Exit(1) }
  io.Copy(os.Stdout, answer.Body)
}`,
    },
    // Outside of the run, with the caller's cache: building Go's library anew takes half a minute.
    prepare: ["go", "build", "-o", "client", "client.go"],
  }),
];
