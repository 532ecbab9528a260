import assert from "node:assert/strict";
import { basic, bearer } from "../blind_client.ts";
import { API_HOST, makeBlindProject } from "../blind_project.ts";
import { assertNoLeak } from "../project.ts";
import type { ListedClient } from "./listed_client.ts";

interface Registry {
  readonly tool: string;
  readonly what: string;
  readonly script: string;
  readonly answer: string;
  readonly authorization: (value: string) => string;
}

const registries: readonly Registry[] = [
  {
    tool: "npm",
    what: "`view` at a registry, with `_authToken`",
    script: `npm view thing dist-tags.latest --registry=https://${API_HOST}/ "--//${API_HOST}/:_authToken=$API_TOKEN"`,
    answer: JSON.stringify({
      name: "thing",
      "dist-tags": { latest: "1.2.3" },
      versions: { "1.2.3": { version: "1.2.3" } },
    }),
    authorization: bearer,
  },
  {
    tool: "pip",
    what: "asks an index, with Basic in the URL, for what it does not have",
    script:
      `pip download --no-deps --disable-pip-version-check -i "https://user:$API_TOKEN@${API_HOST}/simple" thing; echo 1.2.3`,
    answer: "<!DOCTYPE html><html><body></body></html>",
    authorization: basic,
  },
];

/** Tools that log in with what their user configured, and take what they get. */
export const REGISTRIES: readonly ListedClient[] = registries.map((registry) => ({
  program: { name: registry.tool, version: [registry.tool, "--version"] },
  what: registry.what,
  outcome: "works",
  run: () => checkRegistry(registry),
}));

async function checkRegistry({ script, answer, authorization }: Registry): Promise<void> {
  await using blind = await makeBlindProject({
    respond(request) {
      const type = answer.startsWith("{") ? "application/json" : "text/html";
      return request.headers.get("authorization") === null
        ? new Response("", { status: 401, headers: { "www-authenticate": "Basic" } })
        : new Response(answer, { headers: { "content-type": type } });
    },
  });
  const { stdout, stderr } = await blind.shell(script);
  assert.match(stdout, /1\.2\.3/, stderr);
  const asked = blind.upstream.seen.filter(({ url }) => url.includes("thing"));
  assert.ok(asked.some(({ headers }) => headers["authorization"] === authorization(blind.value)), stderr);
  assertNoLeak(blind.value, stdout + stderr, "the tool's output");
}
