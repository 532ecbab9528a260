import type { Policy } from "../../../policy/server/bundle.ts";
import type { Identity } from "../../../policy/server/identity.ts";
import { PolicySet } from "../../../policy/server/policy_set.ts";
import { parseResourceRef } from "../../../policy/server/resource_ref.ts";
import { below, type Row, type Table } from "../report.ts";
import { median, percentile } from "../statistics.ts";
import { BenchIssuer, benchRef, LAST_POLICY, policyRule, type RuleStyle } from "./bench_bundle.ts";

const COUNT = 10_000;
const LIMIT_MS = 5;

/** Compiles 10,000 policies, and decides by the last of them. */
export function measurePolicies({ decisions }: { decisions: number }): Table {
  const styles: RuleStyle[] = ["names", "claims"];
  const rows = styles.map((style): Row => {
    const start = performance.now();
    const set = new PolicySet(policiesOf(style));
    const compiled = performance.now() - start;
    const input = {
      identity: CALLER,
      ref: parseResourceRef(benchRef(0)),
      context: {},
      request: undefined,
    };
    const last = `team-${LAST_POLICY}`;
    const times: number[] = [];
    for (let count = 0; count < decisions; count++) {
      const begin = performance.now();
      const { effect, policy } = set.decide(input);
      times.push(performance.now() - begin);
      if (effect !== "allow" || policy !== last) throw new Error(`Cannot measure: "${policy}" decided`);
    }
    const [first = NaN] = times;
    return {
      name: style === "names" ? "rules over names and ref" : "rules over claims",
      values: [compiled, first, median(times), percentile(times, 0.99)],
      targets: [below(median(times), LIMIT_MS, "ms a decision")],
    };
  });
  return {
    title: `${COUNT.toLocaleString("en-US")} policies, of which the last decides`,
    columns: ["compile ms", "first ms", "median ms", "p99 ms"],
    rows,
  };
}

function policiesOf(style: RuleStyle): Policy[] {
  return Array.from({ length: COUNT }, (_, index) => ({
    name: `team-${index}`,
    effect: "allow",
    rule: policyRule(index, style),
  }));
}

const CALLER: Identity = {
  issuer: "internal",
  subject: "agent-1",
  org: "",
  service: "agent",
  env: "production",
  action: "",
  branch: "",
  actor: "",
  groups: [],
  claims: {
    iss: BenchIssuer.url,
    aud: "keyzero",
    sub: "agent-1",
    repository: "example-org/example-repository",
    team: `team-${LAST_POLICY}`,
  },
};
