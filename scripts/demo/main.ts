import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { ROOT } from "../../tests/support/kz.ts";
import { findLeak } from "../../tests/support/project.ts";
import { Agent, type ToolAnswer } from "./agent.ts";
import { environmentLines, parseEnvironment } from "./environment_answer.ts";
import { Findings, formCount } from "./findings.ts";
import { type GithubUpstream, startGithubUpstream } from "./github_upstream.ts";
import { type InstalledPackages, installPackages, PACKAGES } from "./packages.ts";
import { Screen } from "./screen.ts";
import { type DemoSecrets, makeSecrets, setStage, type Stage } from "./stage.ts";

/** A name that no rule allows; reserved, so that nobody answers to it (RFC 2606 §2). */
const FORBIDDEN_HOST = "collector.example";
const TOKEN_REGEXP = /kz_masked_[0-9a-f]{32}/;

/** What every scene works with. */
interface Scene {
  readonly stage: Stage;
  readonly packages: InstalledPackages;
  readonly secrets: DemoSecrets;
  readonly upstream: GithubUpstream;
  readonly screen: Screen;
  readonly findings: Findings;
}

async function main(): Promise<boolean> {
  const started = performance.now();
  const packages = await installPackages(`${ROOT}.demo`);
  const installedMs = performance.now() - started;
  const secrets = makeSecrets();
  const screen = new Screen(Object.values(secrets));
  const findings = new Findings();
  introduce(screen, packages);

  const ca = await CertificateAuthority.create({ now: new Date() });
  await using upstream = await startGithubUpstream(ca, secrets.GITHUB_PERSONAL_ACCESS_TOKEN);
  await using stage = await setStage(secrets, { port: upstream.port, caPem: ca.certificatePem });
  const scene: Scene = { stage, packages, secrets, upstream, screen, findings };
  await showEnvironmentAndDenial(scene);
  await showGithub(scene);
  await showErrorMessage(scene);
  findings.search({ ...secrets });
  return conclude(scene, { installedMs, totalMs: performance.now() - started });
}

function introduce(screen: Screen, packages: InstalledPackages): void {
  const [everything, github] = Object.entries(PACKAGES);
  screen.heading("KeyZero: two published MCP servers under `kz run --blind`, as they are");
  screen.line(
    `${everything?.join(" ")} and ${github?.join(" ")} on ${packages.runtime}, driven by the official MCP client. ` +
      "A local TLS server with its own CA plays api.github.com. The secrets are random, made for this run.",
  );
}

async function showEnvironmentAndDenial(scene: Scene): Promise<void> {
  const { packages, stage, screen, findings, secrets } = scene;
  const script = packages.file("@modelcontextprotocol/server-everything", "dist/index.js");
  await using agent = await Agent.start(await stage.blind(packages.run(script)), stage.dir);

  const answer = await agent.call("get-env");
  const variables = parseEnvironment(answer.text);
  screen.heading(`1  server-everything, get-env: the whole environment of the server, ${variables.size} variables`);
  const token = variables.get("GITHUB_PERSONAL_ACCESS_TOKEN") ?? "(absent)";
  const url = variables.get("DATABASE_URL") ?? "(absent)";
  screen.sideBySide(["what the agent saw", "what it stands for"], [
    [`GITHUB_PERSONAL_ACCESS_TOKEN = ${token}`, secrets.GITHUB_PERSONAL_ACCESS_TOKEN],
    [`DATABASE_URL = ${url}`, `postgres://admin:${secrets.DB_PASSWORD}@prod-db:5432/app`],
  ]);
  const rest = Array.from(variables).filter(([name]) =>
    name !== "GITHUB_PERSONAL_ACCESS_TOKEN" && name !== "DATABASE_URL"
  );
  for (const line of environmentLines(rest)) screen.dim(line);
  findings.claim(
    "get-env shows a masked token for the GitHub token",
    new RegExp(`^${TOKEN_REGEXP.source}$`).test(token),
  );
  findings.claim(
    "get-env shows the database URL with a masked password",
    new RegExp(`^postgres://admin:${TOKEN_REGEXP.source}@prod-db:5432/app$`).test(url),
  );
  findings.claim("get-env does not show the secret that is not exposed", !variables.has("DB_PASSWORD"));

  await showDenial(scene, agent);
  findings.saw("the messages of server-everything", agent.messages);
  findings.saw("the standard error of server-everything", agent.stderr);
}

async function showDenial({ screen, findings, upstream }: Scene, agent: Agent): Promise<void> {
  const before = upstream.received.length;
  screen.heading(`2  server-everything, gzip-file-as-resource: calls to ${FORBIDDEN_HOST}, which no rule allows`);
  const rows: [string, string][] = [];
  for (const scheme of ["https", "http"]) {
    const stderrBefore = agent.stderr.length;
    const answer = await agent.call("gzip-file-as-resource", {
      name: `${scheme}.gz`,
      data: `${scheme}://${FORBIDDEN_HOST}/loot`,
      outputType: "resource",
    });
    // The line for the operator comes over another pipe than the answer.
    const said = await eventually(() => agent.stderr.slice(stderrBefore), (text) => text.includes(FORBIDDEN_HOST));
    const seen = fetched(answer);
    rows.push([`${scheme}: ${seen}`, said.trim()]);
    findings.saw(`the body of the denied ${scheme} call`, seen);
    findings.claim(
      `the ${scheme} call to a host that is not allowed was denied`,
      answer.isError || /"code":"POLICY_\w+_DENIED"/.test(seen),
    );
    findings.claim(`the operator was told of the ${scheme} call`, said.includes(FORBIDDEN_HOST));
  }
  screen.sideBySide(["what the agent saw", "what the operator was told"], rows);
  findings.claim("nothing was sent for the denied calls", upstream.received.length === before);
}

/** What the tool fetched, which it hands on as the base64 of a gzip file; or its error. */
function fetched(answer: ToolAnswer): string {
  const blob = /"blob":"([^"]+)"/.exec(answer.text)?.[1];
  return blob === undefined ? answer.text : gunzipSync(Buffer.from(blob, "base64")).toString().trim();
}

async function showGithub({ packages, stage, screen, findings, secrets, upstream }: Scene): Promise<void> {
  const script = packages.file("@modelcontextprotocol/server-github", "dist/index.js");
  await using agent = await Agent.start(await stage.blind(packages.run(script)), stage.dir);
  const before = upstream.received.length;
  const found = await agent.call("search_code", { q: "retry repo:acme/payments" });
  const opened = await agent.call("create_issue", { owner: "acme", repo: "payments", title: "Retry twice" });
  const arrived = upstream.received.slice(before);

  screen.heading("3  server-github: search_code and create_issue; this GitHub echoes the request's headers");
  const [search, issue] = arrived;
  screen.sideBySide(["what the agent saw", "what the upstream received"], [
    ["search_code", `${search?.method} ${search?.path}`],
    [`authorization: ${echoed(found.text, "authorization")}`, `authorization: ${search?.authorization}`],
    [`in base64: ${echoed(found.text, "authorization_base64")}`, ""],
    [`in hex: ${echoed(found.text, "authorization_hex")}`, ""],
    [`create_issue: number ${/"number": (\d+)/.exec(opened.text)?.[1]}`, `${issue?.method} ${issue?.path}`],
    [`authorization: ${echoed(opened.text, "authorization")}`, `authorization: ${issue?.authorization}`],
  ]);
  const real = `Bearer ${secrets.GITHUB_PERSONAL_ACCESS_TOKEN}`;
  findings.claim("the upstream received two requests", arrived.length === 2);
  findings.claim("each with the real token", arrived.every((request) => request.authorization === real));
  findings.claim(
    "the search finds what it looks for: the real token in what the upstream received",
    findLeak(secrets.GITHUB_PERSONAL_ACCESS_TOKEN, search?.whole ?? "") !== undefined,
  );
  findings.claim("both calls succeeded", !found.isError && !opened.isError);
  findings.claim(
    "the echo shows the agent its own masked token",
    [found, opened].every(({ text }) =>
      new RegExp(`^Bearer ${TOKEN_REGEXP.source}$`).test(echoed(text, "authorization"))
    ),
  );
  findings.saw("the messages of server-github", agent.messages);
  findings.saw("the standard error of server-github", agent.stderr);
}

async function showErrorMessage({ packages, stage, screen, findings, secrets }: Scene): Promise<void> {
  const script = fileURLToPath(new URL("./connect_database.mjs", import.meta.url));
  const { file, args, env } = await stage.blind(packages.run(script, packages.directory));
  const output = await new Deno.Command(file, { args, env, cwd: stage.dir, clearEnv: true, stdin: "null" }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
  screen.heading("4  an error message: the mariadb driver is given a URL that it does not read, and prints it whole");
  // The driver's own line; after it kz names the variables that the program did not get.
  const message = stderr?.split("\n").find((line) => line.includes("connection string")) ?? "(absent)";
  const masked = new RegExp(`postgres://admin:${TOKEN_REGEXP.source}@prod-db:5432/app`);
  screen.sideBySide(["what the agent saw", "what it would have seen without kz"], [
    [message, message.replace(TOKEN_REGEXP, secrets.DB_PASSWORD)],
  ]);
  findings.claim("the error message holds the database URL with a masked password", masked.test(message));
  findings.claim("the program's exit status is kz's", output.code === 1);
  findings.saw("the output of the failing program", `${stdout}${stderr}`);
}

function conclude({ screen, findings, upstream }: Scene, time: { installedMs: number; totalMs: number }): boolean {
  const failed = findings.failed;
  for (const claim of failed) screen.line(`not so: ${claim.text}`);
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const timing = `${seconds(time.totalMs)} s, ${seconds(time.installedMs)} s of it for packages`;
  screen.verdict(
    failed.length === 0,
    failed.length === 0
      ? `Verdict: holds. ${findings.seenLength} characters seen by the agent, no real value in any of ${formCount()} ` +
        `forms; the upstream received the real token in ${upstream.received.length} of ${upstream.received.length} ` +
        `requests; 2 calls denied (${timing}).`
      : `Verdict: does not hold. ${failed.length} of ${findings.claimCount} claims are not so (${timing}).`,
  );
  return failed.length === 0;
}

/** The value of a field that the upstream echoed; the answer is JSON text. */
function echoed(text: string, field: string): string {
  return new RegExp(`"${field}": "([^"]*)"`).exec(text)?.[1] ?? "(absent)";
}

/** Reads until `done`, for at most two seconds. */
async function eventually(read: () => string, done: (text: string) => boolean): Promise<string> {
  const deadline = performance.now() + 2000;
  while (!done(read()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  return read();
}

try {
  process.exitCode = await main() ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : "an unknown error occurred");
  console.log("\nVerdict: does not hold. The demo could not be carried to its end.");
  process.exitCode = 1;
}
