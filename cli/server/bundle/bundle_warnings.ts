import type { Bundle } from "../../../policy/server/bundle.ts";
import { policyWarnings } from "../../../policy/server/policy_warnings.ts";
import { formatKeyPath, type KeyPath } from "../../config/key_path.ts";
import { type ConfigFile, lineOf } from "../../config/problem.ts";
import { findAmbiguousGlobs } from "./ambiguous_globs.ts";

/** Something that is allowed and seldom meant. */
export interface BundleWarning {
  /** `<file>:<line>: <key>: <text>`; parsed values only. */
  readonly message: string;
}

interface Finding {
  readonly path: KeyPath;
  readonly text: string;
}

/** What the operator of a bundle should look at again, in the order of the file. */
export async function findWarnings(bundle: Bundle, file: ConfigFile): Promise<readonly BundleWarning[]> {
  const found = [...issuerFindings(bundle), ...policyFindings(bundle), ...resourceFindings(bundle)];
  const located = await Promise.all(found.map(async ({ path, text }) => {
    const line = await lineOf({ file, path }) ?? 0;
    return { line, message: `${file.label}:${line}: ${formatKeyPath(path)}: ${text}` };
  }));
  return located.toSorted((a, b) => a.line - b.line).map(({ message }) => ({ message }));
}

function* issuerFindings({ issuers }: Bundle): Generator<Finding> {
  for (const [index, { audiences }] of issuers.entries()) {
    if (audiences !== undefined) continue;
    yield {
      path: ["issuers", index, "audience"],
      text: "tokens that this issuer makes for anybody are taken; a host that gets one can come with it",
    };
  }
}

function policyFindings(bundle: Bundle): readonly Finding[] {
  return policyWarnings(bundle).map(({ index, text }) => ({ path: ["policies", index, "rule"], text }));
}

function* resourceFindings({ resources }: Bundle): Generator<Finding> {
  for (const [index, { mode, hosts }] of resources.entries()) {
    if (mode === "direct" || hosts.length > 0) continue;
    yield { path: ["resources", index], text: "no hosts: its value may go nowhere, by fetch or by token" };
  }
  for (const { first, second } of findAmbiguousGlobs(resources.map(({ ref }) => ref))) {
    yield {
      path: ["resources", second, "ref"],
      text: `refs that it shares with resources[${first}] go to that one, which stands first`,
    };
  }
}
