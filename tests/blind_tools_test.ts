/** Command line tools as they are, in a blind run, as `blind_clients_test.ts` has runtimes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bearer, URL_OF_API } from "./support/blind_client.ts";
import { makeBlindProject } from "./support/blind_project.ts";
import { testListedClient } from "./support/clients/listed_client.ts";
import { REGISTRIES } from "./support/clients/registries.ts";
import { TOOLS } from "./support/clients/tools.ts";
import { hasProgram } from "./support/programs.ts";

// requirement: F-6.5, F-6.14
TOOLS.forEach(testListedClient);
// requirement: F-6.5
REGISTRIES.forEach(testListedClient);

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
