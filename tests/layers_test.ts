import assert from "node:assert/strict";
import { ROOT } from "./support/kz.ts";

/** Which folders each folder may import from, besides itself. Anything else is an error. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  ["policy", []],
  ["providers", ["policy"]],
  ["proxy", ["policy"]],
  ["cli", ["policy", "providers", "proxy"]],
  ["mod.ts", ["policy", "providers", "proxy", "cli"]],
]);

/** Packages that compute and do no I/O, which `policy` may use as well. */
const PURE_PACKAGE_REGEXP = /^npm:\/?(?:ipaddr\.js|tldts|@bufbuild\/(?:cel|re2))@/;

/** Folders that hold the program; the rest of the repository works on it. */
const LAYERS = ["policy", "providers", "proxy", "cli"];

interface Edge {
  /** Paths relative to the checkout, or `npm:…` and `node:…`. */
  readonly from: string;
  readonly to: string;
}

/** The module graph below `entry`, dynamic and type-only imports included. */
async function edgesFrom(entry: string): Promise<Edge[]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${ROOT}${entry}`],
    stderr: "inherit",
  }).output();
  assert.ok(success, `deno info ${entry}`);
  const base = new URL("../", import.meta.url).href;
  const relative = (specifier: string) => specifier.startsWith(base) ? specifier.slice(base.length) : specifier;
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: {
      specifier: string;
      error?: string;
      dependencies?: { specifier: string; code?: { specifier?: string }; type?: { specifier?: string } }[];
    }[];
  };
  return modules.flatMap((module) => {
    assert.equal(module.error, undefined, module.specifier);
    return (module.dependencies ?? []).map((dependency) => ({
      from: relative(module.specifier),
      to: relative(dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier),
    }));
  });
}

/** The source files of a folder and those below it, without tests. */
async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) {
      // What tests start and stand on.
      if (entry.name !== "testdata" && entry.name !== "testing") yield* sources(path);
    } else if (entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts")) yield path;
  }
}

/** A worker is opened by URL, which is no edge of the graph: each is an entry of its own. */
async function entries(): Promise<string[]> {
  const found = ["cli/main.ts", "mod.ts"];
  for (const layer of LAYERS) {
    for await (const path of sources(layer)) if (path.endsWith("_worker.ts")) found.push(path);
  }
  return found;
}

/** The first part of a path: the layer, or the name of a file at the top. */
function top(path: string): string {
  return path.split("/", 1)[0]!;
}

function offence({ from, to }: Edge): string | undefined {
  const [layer, target] = [top(from), top(to)];
  const allowed = MAY_IMPORT.get(layer);
  if (allowed === undefined) return undefined;
  if (/^[a-z]+:/.test(to)) {
    return layer === "policy" && !PURE_PACKAGE_REGEXP.test(to) ? `${from} imports ${to}` : undefined;
  }
  // The permission sets of deno.json are data that cli reads.
  if (target === layer || allowed.includes(target) || (layer === "cli" && to === "deno.json")) return undefined;
  return `${from} imports ${to}`;
}

Deno.test("no module imports from a layer that it may not know [F-1.5]", async () => {
  const seen = new Set<string>();
  const offences = new Set<string>();
  const workers = await entries();
  assert.ok(workers.includes("providers/resolver_worker.ts") && workers.includes("proxy/proxy_worker.ts"));
  for (const entry of workers) {
    for (const edge of await edgesFrom(entry)) {
      seen.add(top(edge.from));
      const found = offence(edge);
      if (found !== undefined) offences.add(found);
    }
  }
  assert.deepEqual([...offences].sort(), []);
  // An empty walk finds nothing and must not pass.
  for (const layer of [...LAYERS, "mod.ts"]) assert.ok(seen.has(layer), `no module of ${layer} was seen`);
});

Deno.test("every source file is reached from an entry", async () => {
  const reached = new Set(await entries());
  for (const entry of [...reached]) {
    for (const { from, to } of await edgesFrom(entry)) reached.add(from).add(to);
  }
  const unused: string[] = [];
  for (const layer of LAYERS) {
    for await (const path of sources(layer)) if (!reached.has(path)) unused.push(path);
  }
  assert.deepEqual(unused, []);
});

const table: [why: string, edge: Edge, refused: boolean][] = [
  ["policy knows nothing of ours", { from: "policy/a.ts", to: "cli/main.ts" }, true],
  ["policy does no I/O", { from: "policy/a.ts", to: "node:fs" }, true],
  ["policy does not know other packages", { from: "policy/a.ts", to: "npm:/commander@15.1.0" }, true],
  ["policy knows a package that only computes", { from: "policy/a.ts", to: "npm:/tldts@7.4.16" }, false],
  ["providers know policy", { from: "providers/a.ts", to: "policy/host.ts" }, false],
  ["providers do not know the proxy", { from: "providers/a.ts", to: "proxy/a.ts" }, true],
  ["the proxy does not know providers", { from: "proxy/a.ts", to: "providers/provider.ts" }, true],
  ["the proxy does not read files at the top", { from: "proxy/a.ts", to: "deno.json" }, true],
  ["cli wires", { from: "cli/a.ts", to: "proxy/a.ts" }, false],
  ["cli does not know tests", { from: "cli/a.ts", to: "tests/support/kz.ts" }, true],
];
for (const [why, edge, refused] of table) {
  Deno.test(`layers: ${why}`, () => assert.equal(offence(edge) !== undefined, refused));
}
