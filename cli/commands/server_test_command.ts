import { AppError } from "../../policy/error.ts";
import type { Surroundings } from "../config/config_files.ts";
import { readBundle } from "../server/bundle/read_bundle.ts";
import { readFixtures } from "../server/fixtures/read_fixtures.ts";
import { type Replayed, replayFixtures, type Verdict } from "../server/fixtures/replay_fixtures.ts";
import { printable } from "../terminal/report_error.ts";
import { writeStdout } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";

/** `kz server test`: decides recorded requests by a bundle, and prints those that are decided otherwise than recorded. */
export async function serverTestCommand(args: Arguments, around: Surroundings): Promise<number> {
  const [fixturesPath = ""] = args.operands;
  const bundlePath = args.value("bundle");
  if (bundlePath === undefined) {
    throw new AppError("USAGE_INVALID", 'Cannot run "kz server test": --bundle is missing', {
      hints: ["Write: kz server test fixtures.yaml --bundle bundle.yaml"],
    });
  }
  const bundle = await readBundle(bundlePath, around);
  const replayed = replayFixtures(bundle, await readFixtures(fixturesPath, around));
  const differing = replayed.filter(({ same }) => !same);
  if (args.has("json")) writeStdout(`${JSON.stringify(asJson(replayed), null, 2)}\n`);
  else writeStdout(asText(replayed, differing));
  if (differing.length === 0) return 0;
  throw new AppError(
    "BUNDLE_FIXTURES_DIFFER",
    `Cannot pass the bundle: ${differing.length} of ${replayed.length} fixtures differ`,
    { hints: ["Correct the policies, or what the fixtures expect"] },
  );
}

function asJson(replayed: readonly Replayed[]): unknown {
  return {
    same: replayed.every(({ same }) => same),
    fixtures: replayed.map(({ fixture: { name, expect }, now, same }) => ({ name, same, expected: expect, now })),
  };
}

/** As a diff: what was expected, what is decided now. */
function asText(replayed: readonly Replayed[], differing: readonly Replayed[]): string {
  const blocks = differing.map(({ fixture: { name, expect }, now }) =>
    `${printable(name)}\n  - ${expect.effect}${expect.policy === undefined ? "" : ` by ${expect.policy}`}\n` +
    `  + ${now.effect} by ${now.policy}${now.why === undefined ? "" : `: ${WHY[now.why]}`}\n`
  );
  return `${blocks.join("")}${replayed.length} fixtures: ${replayed.length - differing.length} the same, ` +
    `${differing.length} different\n`;
}

const WHY: Readonly<Record<NonNullable<Verdict["why"]>, string>> = {
  "unknown-issuer": "the bundle has no such issuer",
  "error": "its rule failed",
  "not-boolean": "its rule gave no boolean",
  "unknown-resource": "allowed, but no resource of the bundle fits the ref",
  "target-denied": "allowed, but the resource may not be used with this host, method or path",
};
