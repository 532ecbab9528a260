import assert from "node:assert/strict";
import { join } from "node:path";
import { canRun, startBlindChildren } from "./testdata/blind_child.ts";
import { ANSWER, PASSWORD } from "./testdata/test_proxy.ts";

/** Real programs, unchanged and unaware, whose requests have to arrive at the proxy. */
interface Client {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Shows whether the program, with its library, is here. */
  readonly probe?: readonly string[];
  /** A source file for `args` to name. */
  readonly source?: { readonly name: string; readonly text: string };
  readonly stdout: string;
  readonly seen: readonly string[];
}

const BOTH = ["GET https://api.example.test/tls", "GET http://api.example.test/plain"];
const URLS = ["https://api.example.test/tls", "http://api.example.test/plain"];
const python = (get: string) => [...URLS.map((url) => `print(${get.replace("URL", JSON.stringify(url))})`)].join("\n");

const CLIENTS: readonly Client[] = [
  { name: "curl", program: "curl", args: ["-sS", ...URLS], stdout: ANSWER + ANSWER, seen: BOTH },
  { name: "wget", program: "wget", args: ["-q", "-O-", ...URLS], stdout: ANSWER + ANSWER, seen: BOTH },
  {
    name: "git",
    program: "git",
    args: ["ls-remote", "https://api.example.test/repository"],
    stdout: "",
    seen: [
      "GET https://api.example.test/repository/info/refs?service=git-upload-pack",
      "GET https://api.example.test/repository/HEAD",
    ],
  },
  {
    name: "Python's urllib",
    program: "python3",
    args: ["-c", `import urllib.request\n${python("urllib.request.urlopen(URL).read().decode()")}`],
    stdout: `${ANSWER}\n${ANSWER}\n`,
    seen: BOTH,
  },
  ...["requests", "httpx"].map((library): Client => ({
    name: `Python's ${library}`,
    program: "python3",
    probe: ["-c", `import ${library}`],
    args: ["-c", `import ${library}\n${python(`${library}.get(URL).text`)}`],
    stdout: `${ANSWER}\n${ANSWER}\n`,
    seen: BOTH,
  })),
  {
    name: "Ruby's net/http",
    program: "ruby",
    args: ["-rnet/http", "-e", URLS.map((url) => `puts Net::HTTP.get(URI("${url}"))`).join("\n")],
    stdout: `${ANSWER}\n${ANSWER}\n`,
    seen: BOTH,
  },
  {
    name: "Deno's fetch, without any permission but the network",
    program: Deno.execPath(),
    source: {
      name: "main.ts",
      text: URLS.map((url) => `console.log(await (await fetch("${url}")).text());`).join("\n"),
    },
    args: ["run", "--no-prompt", "--no-config", "--allow-net", "main.ts"],
    stdout: `${ANSWER}\n${ANSWER}\n`,
    seen: BOTH,
  },
  {
    name: "Go's net/http",
    program: "go",
    probe: ["version"],
    source: {
      name: "main.go",
      text: `package main
import ("fmt"; "io"; "net/http")
func main() {
  for _, url := range []string{${URLS.map((url) => JSON.stringify(url)).join(", ")}} {
    response, err := http.Get(url)
    if err != nil { panic(err) }
    body, _ := io.ReadAll(response.Body)
    fmt.Println(string(body))
  }
}`,
    },
    args: ["run", "main.go"],
    stdout: `${ANSWER}\n${ANSWER}\n`,
    seen: BOTH,
  },
  {
    name: "Java's two clients with an Authenticator that reads the properties",
    program: "java",
    source: {
      name: "Main.java",
      text: `
import java.net.*; import java.net.http.*;
class Main { public static void main(String[] args) throws Exception {
  Authenticator own = new Authenticator() { protected PasswordAuthentication getPasswordAuthentication() {
    return new PasswordAuthentication(System.getProperty("https.proxyUser"),
      System.getProperty("https.proxyPassword").toCharArray()); } };
  System.out.println(HttpClient.newBuilder().authenticator(own).build().send(
    HttpRequest.newBuilder(URI.create("${URLS[0]}")).build(), HttpResponse.BodyHandlers.ofString()).body());
  Authenticator.setDefault(own);
  System.out.println(new String(URI.create("${URLS[1]}").toURL().openStream().readAllBytes()));
} }`,
    },
    args: ["Main.java"],
    stdout: `${ANSWER}\n${ANSWER}\n`,
    seen: BOTH,
  },
];

for (const client of CLIENTS) {
  Deno.test({
    name: `A blind child's requests arrive at the proxy: ${client.name}`,
    ignore: !canRun(client.program, client.probe),
    async fn() {
      await using children = await startBlindChildren();
      const directory = await Deno.makeTempDir();
      try {
        if (client.source !== undefined) {
          await Deno.writeTextFile(join(directory, client.source.name), client.source.text);
        }
        const ended = await children.run(client.program, client.args, { cwd: directory });
        const requests = children.proxy.seen.filter((seen) => seen.authorized).map((seen) => seen.request);
        assert.equal(ended.stdout, client.stdout, ended.stderr);
        assert.deepEqual(requests.filter((request) => !request.startsWith("CONNECT")), client.seen);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: "A blind child's requests arrive at the proxy: Java without an Authenticator is refused, not let round",
  ignore: !canRun("java"),
  async fn() {
    await using children = await startBlindChildren();
    const directory = await Deno.makeTempDir();
    try {
      const text = `class Main { public static void main(String[] args) throws Exception {
        java.net.URI.create("${URLS[0]}").toURL().openStream(); } }`;
      await Deno.writeTextFile(join(directory, "Main.java"), text);
      const ended = await children.run("java", ["Main.java"], { cwd: directory });
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /407/);
      assert.deepEqual(children.proxy.seen.map((seen) => seen.authorized), [false]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "A blind child's requests arrive at the proxy: curl without our variables does not get by",
  ignore: !canRun("curl"),
  async fn() {
    await using children = await startBlindChildren();
    const url = children.proxy.url.replace(`kz:${PASSWORD}@`, "");
    const ended = await children.run("curl", ["-sS", "--proxy", url, "--proxy-user", "kz:guess", URLS[0]!]);
    assert.notEqual(ended.code, 0);
    assert.deepEqual(children.proxy.seen.map((seen) => seen.authorized), [false]);
  },
});
