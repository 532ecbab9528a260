/** A program in a blind run that gets its credentials from a token endpoint: what it is given are tokens. */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { API_HOST, makeBlindProject } from "./support/blind_project.ts";
import { ROOT } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";
import { assertNoLeak, makeCanary } from "./support/project.ts";

/** The client with its package in it, as one file for Node. */
async function bundled(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "kz-oauth-" });
  try {
    const file = `${directory}/oauth_client.mjs`;
    const args = ["bundle", "--quiet", "--no-check", "--platform", "deno", "-o", file];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args, `${ROOT}tests/testdata/oauth_client.ts`],
      cwd: ROOT,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return await Deno.readTextFile(file);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function jwt(): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256", typ: "at+jwt" })}.${part({ sub: "agent", jti: makeCanary() })}.${part(makeCanary())}`;
}

Deno.test({
  name: "TM-06 an OAuth client under kz run --blind gets, uses and renews tokens, and sees no credential",
  ignore: !hasProgram("node"),
  async fn() {
    const secret = makeCanary("client-secret");
    const accessTokens = [makeCanary("access"), jwt()] as const;
    const refreshTokens = [makeCanary("refresh"), makeCanary("renewed")] as const;
    let granted = 0;
    await using blind = await makeBlindProject({
      secrets:
        `CLIENT_SECRET = { provider = "file", ref = "secret.txt", in = "body:client_secret", hosts = ["${API_HOST}"] }`,
      names: [API_HOST, "other.test"],
      respond: (request, body) => {
        const { pathname } = new URL(request.url);
        const given = request.headers.get("authorization") ?? "";
        if (pathname === "/me") {
          const known = accessTokens.some((token) => given === `Bearer ${token}`);
          // The host says what it was sent, plain and encoded.
          return Response.json({ given, encoded: btoa(given) }, { status: known ? 200 : 401 });
        }
        const form = new URLSearchParams(body);
        const renews = form.get("grant_type") === "refresh_token" && form.get("refresh_token") === refreshTokens[0];
        if (form.get("client_secret") !== secret || (granted === 1 && !renews)) {
          return Response.json({ error: "invalid_client" }, { status: 401 });
        }
        const at = granted++;
        return Response.json(
          {
            access_token: accessTokens[at],
            token_type: "bearer",
            expires_in: 3600,
            refresh_token: refreshTokens[at],
            scope: "read",
          },
          { headers: { "x-issued": accessTokens[at]!, "cache-control": "no-store" } },
        );
      },
    });
    await blind.project.write("secret.txt", secret);
    await blind.project.write("oauth_client.mjs", await bundled());
    const { status, stdout, stderr } = await blind.blind(["node", "oauth_client.mjs"]);
    assert.equal(status, 0, stderr);
    for (const value of [secret, ...accessTokens, ...refreshTokens]) {
      assertNoLeak(value, stdout + stderr, "what the client saw");
    }
    const { granted: first, renewed, elsewhere, ...answers } = JSON.parse(stdout);
    assert.match(first.access_token, /^kz_masked_[0-9a-f]{32}$/);
    assert.match(renewed.access_token, /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/);
    assert.notEqual(first.refresh_token, renewed.refresh_token);
    assert.equal(answers.first.given, `Bearer ${first.access_token}`);
    assert.equal(answers.second.given, `Bearer ${renewed.access_token}`);
    assert.ok(answers.seen[0].includes(`"x-issued":"${first.access_token}"`));
    assert.equal(elsewhere.error.code, "POLICY_SECRET_HOST_DENIED");
    const sent = blind.upstream.seen.map(({ headers, body }) => headers["authorization"] ?? body);
    assert.equal(sent[1], `Bearer ${accessTokens[0]}`);
    assert.match(sent[2]!, new RegExp(`refresh_token=${refreshTokens[0]}`));
    assert.equal(sent[3], `Bearer ${accessTokens[1]}`);
    for (const field of ["access_token", "refresh_token"]) {
      const line =
        `kz: ${API_HOST} gave out a new credential (${field}) for CLIENT_SECRET; the program has a token in its place`;
      assert.ok(stderr.split("\n").includes(line), stderr);
    }
    assert.match(stderr, /POLICY_SECRET_HOST_DENIED\].*\(secret CLIENT_SECRET's access_token\)/);
  },
});
