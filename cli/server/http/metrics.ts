/** Upper bounds of the buckets of a duration, in seconds; a cached decision takes one millisecond, a host some hundred. */
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

type Labels = Readonly<Record<string, string>>;

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

/**
 * Counters, histograms and gauges in the text format of Prometheus 0.0.4.
 *
 * Labels come from closed sets only, never from a request: neither their number nor what they say is a caller's choice.
 */
export class Metrics {
  readonly #counters = new Map<string, { help: string; values: Map<string, number> }>();
  readonly #histograms = new Map<string, { help: string; values: Map<string, Histogram> }>();
  readonly #gauges = new Map<string, { help: string; read: () => number }>();

  count(name: string, help: string, labels: Labels): void {
    const { values } = entry(this.#counters, name, help);
    const key = labelText(labels);
    values.set(key, (values.get(key) ?? 0) + 1);
  }

  observe(name: string, help: string, { labels, seconds }: { labels: Labels; seconds: number }): void {
    const { values } = entry(this.#histograms, name, help);
    const key = labelText(labels);
    let histogram = values.get(key);
    if (histogram === undefined) {
      values.set(key, histogram = { counts: BUCKETS_S.map(() => 0), sum: 0, count: 0 });
    }
    const bucket = BUCKETS_S.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) histogram.counts[bucket]!++;
    histogram.sum += seconds;
    histogram.count++;
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, { help, read });
  }

  text(): string {
    const lines: string[] = [];
    for (const [name, { help, values }] of this.#counters) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
      for (const [labels, value] of values) lines.push(`${name}${braced(labels)} ${value}`);
    }
    for (const [name, { help, values }] of this.#histograms) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
      for (const [labels, histogram] of values) lines.push(...histogramLines(name, labels, histogram));
    }
    for (const [name, { help, read }] of this.#gauges) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function entry<T>(
  entries: Map<string, { help: string; values: Map<string, T> }>,
  name: string,
  help: string,
): { values: Map<string, T> } {
  let found = entries.get(name);
  if (found === undefined) entries.set(name, found = { help, values: new Map() });
  return found;
}

function histogramLines(name: string, labels: string, { counts, sum, count }: Histogram): string[] {
  const separator = labels === "" ? "" : ",";
  let below = 0;
  const buckets = BUCKETS_S.map((bound, index) => {
    below += counts[index]!;
    return `${name}_bucket{${labels}${separator}le="${bound}"} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket{${labels}${separator}le="+Inf"} ${count}`,
    `${name}_sum${braced(labels)} ${sum}`,
    `${name}_count${braced(labels)} ${count}`,
  ];
}

function labelText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(",");
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
