import assert from "node:assert/strict";
import { API_HOST, makeBlindProject } from "./blind_project.ts";
import { assertNoLeak } from "./project.ts";

/** What clients ask for. */
export const URL_OF_API = `https://${API_HOST}/v1/thing`;

/** A program that sends the value of `API_TOKEN` to {@linkcode API_HOST} and shows the answer. */
export interface BlindClient {
  readonly command: readonly string[];
  /** Files that the command needs. */
  readonly files?: Readonly<Record<string, string>>;
  /** What makes the command of the files, outside of the run. */
  readonly prepare?: readonly string[];
  /** How the value arrives; default: as a bearer token. */
  readonly authorization?: (value: string) => string;
  readonly body?: string;
}

export const bearer = (value: string): string => `Bearer ${value}`;
/** The value as the password of `user`. */
export const basic = (value: string): string => `Basic ${btoa(`user:${value}`)}`;

/** Asserts that the host receives the real value, and that the client's output, an echo of it, shows a token. */
export async function checkBlindClient(client: BlindClient): Promise<void> {
  const { command, files = {}, prepare: [builder, ...args] = [], authorization = bearer, body = "" } = client;
  await using blind = await makeBlindProject();
  for (const [path, content] of Object.entries(files)) await blind.project.write(path, content);
  if (builder !== undefined) {
    const build = await new Deno.Command(builder, { args, cwd: blind.project.dir }).output();
    assert.ok(build.success, new TextDecoder().decode(build.stderr));
  }
  const { status, stdout, stderr } = await blind.blind(command);
  assert.equal(status, 0, stderr);
  assert.equal(blind.upstream.seen.length, 1);
  const [seen] = blind.upstream.seen;
  assert.equal(seen?.headers["authorization"], authorization(blind.value));
  assert.equal(seen?.body, body);
  // The echo came through, with a token in the value's place.
  assert.match(stdout, /"authorization":"(Bearer|Basic) [^"]*kz_masked_[0-9a-f]{32}/);
  assertNoLeak(blind.value, stdout + stderr, "the client's output");
}
