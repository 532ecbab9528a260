/** The whole server under load, killed without warning at any moment. */
import assert from "node:assert/strict";
import { githubBundle, githubFiles } from "./support/github_bundle.ts";
import { makeCanary, makeProject } from "./support/project.ts";
import { startTeamServerIn, type TeamServer } from "./support/team_server.ts";
import { TestIssuer } from "./support/test_issuer.ts";
import { startTlsUpstream } from "./support/tls_upstream.ts";

/** Enough for a kill to meet a write now and then, and few enough to be quick: more by hand. */
const KILLS = Number(Deno.env.get("KZ_SERVER_KILLS") ?? 4);
const MAX_LOAD_MS = 400;
/** For the first answers of each kind, on a busy machine. */
const MAX_WAIT_MS = 30_000;
const RESOLVERS = 8;
const FETCHERS = 4;

/** What was answered to clients, as it must be in the log. */
class Answered {
  readonly tokenIds = new Set<string>();
  readonly deniedRefs = new Set<string>();
  readonly fetchedRefs = new Set<string>();
  #marker = 0;

  /** Part of a ref that nobody has asked for before. */
  marker(): string {
    return `m-${this.#marker++}`;
  }

  /** Whether something of each kind was answered. */
  get hasEach(): boolean {
    return this.tokenIds.size > 0 && this.deniedRefs.size > 0 && this.fetchedRefs.size > 0;
  }

  get size(): number {
    return this.tokenIds.size + this.deniedRefs.size + this.fetchedRefs.size;
  }
}

/** Asks over and over, until the server is gone. What has no whole answer was not answered. */
async function ask(url: string, jwt: string, { body, note }: {
  body: () => unknown;
  note: (answer: Record<string, unknown>) => void;
}): Promise<void> {
  for (;;) {
    let answer: Record<string, unknown>;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
        body: JSON.stringify(body()),
      });
      answer = await response.json();
    } catch {
      return;
    }
    note(answer);
  }
}

interface Result {
  readonly allowed: boolean;
  readonly token_id?: string;
}

function isResults(value: unknown): value is Readonly<Record<string, Result>> {
  return typeof value === "object" && value !== null;
}

/** What a busy server may say instead of an answer; it decides nothing. */
const BUSY: ReadonlySet<unknown> = new Set([
  "AUDIT_UNAVAILABLE",
  "OVERLOADED",
  "SECRET_UNAVAILABLE",
  "TOO_MANY_REQUESTS",
  "UPSTREAM_TIMEOUT",
]);

function assertBusy(code: unknown): void {
  assert.ok(BUSY.has(code), `it was refused with ${code}`);
}

/** Two refs that are allowed and one that is not, each new. */
function resolveLoad(url: string, jwt: string, answered: Answered): Promise<void> {
  return ask(`${url}/v1/resolve`, jwt, {
    body: () => ({
      refs: [`github/${answered.marker()}`, `github/${answered.marker()}`, `other/${answered.marker()}`],
    }),
    note: ({ results, code }) => {
      if (!isResults(results)) return assertBusy(code);
      for (const [ref, { allowed, token_id }] of Object.entries(results)) {
        assert.equal(allowed, ref.startsWith("github/"));
        if (allowed) answered.tokenIds.add(token_id!);
        else answered.deniedRefs.add(ref);
      }
    },
  });
}

function fetchLoad(url: string, jwt: string, answered: Answered): Promise<void> {
  let resource = "";
  return ask(`${url}/v1/fetch`, jwt, {
    body: () => ({ resource: resource = `github/${answered.marker()}`, url: "https://api.github.com/user" }),
    note: ({ status, code }) => {
      if (status !== 200) return assertBusy(code);
      answered.fetchedRefs.add(resource);
    },
  });
}

/** Loads a server, and kills it at a moment that nobody knows before. */
async function killUnderLoad(server: TeamServer, issuer: TestIssuer, answered: Answered): Promise<void> {
  const url = await server.url();
  const before = answered.size;
  const loads = await Promise.all(
    Array.from({ length: RESOLVERS + FETCHERS }, async (_, index) => {
      const jwt = await issuer.sign({ sub: `agent-${index}` });
      return () => (index < RESOLVERS ? resolveLoad : fetchLoad)(url, jwt, answered);
    }),
  );
  const running = Promise.all(loads.map((load) => load()));
  const until = performance.now() + MAX_WAIT_MS;
  while ((answered.size === before || !answered.hasEach) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_LOAD_MS));
  server.kill("SIGKILL");
  await server.ended();
  await running;
}

Deno.test({
  name: "kz server has every decision that it answered in its audit log after kill -9 under load [S-7.4]",
  ignore: Deno.build.os === "windows",
  async fn() {
    const issuer = await TestIssuer.create();
    await using upstream = await startTlsUpstream({ host: "api.github.com", respond: () => new Response("ok") });
    await using project = await makeProject({
      files: {
        ...githubFiles(makeCanary(), upstream),
        "bundle.yaml": githubBundle(issuer, upstream).replace("ref: github/pat", "ref: github/**"),
      },
    });
    const args = ["--listen", "127.0.0.1:0"];
    const answered = new Answered();
    for (let kill = 0; kill < KILLS; kill++) {
      await using server = await startTeamServerIn(project, { args });
      await killUnderLoad(server, issuer, answered);
    }
    // What a kill left of a line was never acknowledged, and a restart removes it.
    await using server = await startTeamServerIn(project, { args });
    await server.url();
    assert.equal(await server.stop(), 0);

    const verified = await project.kz(["audit", "verify", "audit.jsonl"]);
    assert.equal(verified.status, 0, verified.stderr);
    const lines = await server.audit();
    const noted = (event: string, outcome: string, field: string) =>
      new Set(lines.filter((line) => line.event === event && line.outcome === outcome).map((line) => line[field]));
    assert.deepEqual(answered.tokenIds.difference(noted("resolve", "allowed", "tokenId")), new Set());
    assert.deepEqual(answered.deniedRefs.difference(noted("resolve", "denied", "ref")), new Set());
    const fetched = new Set(lines.filter((line) => line.status === 200).map((line) => line.ref));
    assert.deepEqual(answered.fetchedRefs.difference(fetched), new Set());
    assert.ok(answered.hasEach);
  },
});
