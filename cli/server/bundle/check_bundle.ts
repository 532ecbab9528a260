import { dirname, isAbsolute, join } from "node:path";
import { AppError } from "../../../policy/error.ts";
import type { Bundle } from "../../../policy/server/bundle.ts";
import { labelOf, readConfigFile, type Surroundings } from "../../config/config_files.ts";
import { type Fault, isTable, type Report } from "../../config/field.ts";
import { machineOf } from "../../config/load.ts";
import { type ConfigFile, lineOf, type Problem, problemError } from "../../config/problem.ts";
import { BUNDLE, type BundleFields } from "./bundle_fields.ts";
import { readIssuerSecrets, readUpstreamRoots } from "./bundle_files.ts";
import { type BundleWarning, findWarnings } from "./bundle_warnings.ts";
import { checkReferences } from "./cross_checks.ts";
import { parseYaml, type YamlFile } from "./parse_yaml.ts";

/** 10,000 policies of a hundred and thirty bytes take more than one, and as many with long rules five. */
const MAX_MIB = 8;

/** What is to be said of a bundle without asking anybody over a network. */
export interface BundleCheck {
  /** As the file is shown. */
  readonly label: string;
  /** Undefined exactly if there is a problem. */
  readonly bundle: Bundle | undefined;
  /** In the order of the file; none holds a value. */
  readonly problems: readonly AppError[];
  /** Finds what is allowed and seldom meant; only in a bundle without problems. Costs as much as reading it. */
  readonly findWarnings: () => Promise<readonly BundleWarning[]>;
}

/** Reads a bundle and lists everything that is wrong with it. Relative paths start at the working directory. */
export async function checkBundle(path: string, around: Surroundings): Promise<BundleCheck> {
  const absolute = isAbsolute(path) ? path : join(around.cwd, path);
  const label = labelOf(absolute, around);
  const refused = (problems: readonly AppError[]): BundleCheck => ({
    label,
    bundle: undefined,
    problems,
    findWarnings: () => Promise.resolve([]),
  });
  let file: ConfigFile | undefined;
  try {
    file = readConfigFile(absolute, around, { maxMib: MAX_MIB });
  } catch (error) {
    if (error instanceof AppError) return refused([error]);
    throw error;
  }
  if (file === undefined) return refused([notFound(label)]);
  const yaml = parseYaml(file);
  if (!("value" in yaml)) return refused(yaml);
  const problems: Problem[] = [];
  const report: Report = (at, fault) => problems.push({ place: { file: yaml.file, path: at }, fault: quoted(fault) });
  const bundle = await readDocument(yaml, around, report);
  if (problems.length > 0) return refused(await inOrder(problems));
  if (bundle === undefined) throw new TypeError("Cannot read bundle: a fault was not reported");
  return { label, bundle, problems: [], findWarnings: () => findWarnings(bundle, yaml.file) };
}

/** `version: 1` and `rule: true` are no texts to YAML, and look like some. */
function quoted(fault: Fault): Fault {
  return /^a string is expected, not (?:a number|true or false)$/.test(fault.state)
    ? { ...fault, hints: ["Put it into quotation marks"] }
    : fault;
}

async function readDocument(yaml: YamlFile, around: Surroundings, report: Report): Promise<Bundle | undefined> {
  const root = dirname(yaml.file.path);
  const fields = BUNDLE.read(yaml.value, [], report);
  checkReferences(yaml.value, machineOf(root, around), report);
  if (fields === undefined) return undefined;
  const issuers = readIssuerSecrets(fields.issuers ?? [], root, report);
  const network = isTable(yaml.value) ? yaml.value["network"] : undefined;
  const raw = isTable(network) ? network["upstream_ca"] : undefined;
  const upstreamCa = await readUpstreamRoots(fields.network?.upstream_ca ?? [], { root, raw }, report);
  return assemble(fields, { issuers, upstreamCa });
}

function assemble(
  { policies, resources, backends, network, state, revokers }: BundleFields,
  { issuers, upstreamCa }: { issuers: Bundle["issuers"]; upstreamCa: readonly string[] },
): Bundle | undefined {
  if (policies === undefined || resources === undefined || backends === undefined) return undefined;
  return {
    issuers,
    policies,
    resources,
    backends,
    network: { connect: network?.connect ?? new Map(), upstreamCa },
    state: state ?? { kind: "memory" },
    revokers,
  };
}

async function inOrder(problems: readonly Problem[]): Promise<readonly AppError[]> {
  const located = await Promise.all(
    problems.map(async (problem) => ({ line: await lineOf(problem.place) ?? 0, error: await problemError(problem) })),
  );
  return located.toSorted((a, b) => a.line - b.line).map(({ error }) => error);
}

function notFound(label: string): AppError {
  return new AppError("CONFIG_NOT_FOUND", `Cannot read ${label}: there is no such file`, {
    hints: ["Name the bundle with --bundle; docs/bundle.md says what stands in it"],
  });
}
