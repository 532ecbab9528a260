/** The files of `docs/deploy/`: that they are what the tools read, and that what they hand to kz is what kz takes. */
import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { checkBundle } from "../cli/server/bundle/check_bundle.ts";
import { parseArguments } from "../cli/commands/arguments.ts";
import { SERVER_COMMANDS } from "../cli/commands/server_table.ts";
import { loadConfig } from "../cli/config/load.ts";
import { ROOT } from "./support/kz.ts";
import { hasProgram } from "./support/programs.ts";

const DEPLOY = `${ROOT}docs/deploy/`;

/** Strict: a duplicate key is an error. */
function read(name: string): Record<string, unknown>[] {
  return [parseAllDocuments(Deno.readTextFileSync(DEPLOY + name), { merge: true, uniqueKeys: true })].flat().map(
    (document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS();
    },
  );
}

/** Follows keys and positions; fails where there is nothing. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  let here = value;
  for (const key of path) {
    assert(typeof here === "object" && here !== null && Object.hasOwn(here, key), path.join("."));
    here = Reflect.get(here, key);
  }
  return here;
}

const KUBERNETES = read("kubernetes.yaml");
const [COMPOSE] = read("compose.yaml");

function object(kind: string, name: string): Record<string, unknown> {
  const found = KUBERNETES.filter((one) => one["kind"] === kind && at(one, "metadata", "name") === name);
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0]!;
}

/** Checks a bundle without its neighbours. */
async function assertGood(text: string): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/bundle.yaml`, text);
    const check = await checkBundle("bundle.yaml", { cwd: directory, getEnv: () => undefined });
    assert.deepEqual(check.problems, []);
    assert.deepEqual(await check.findWarnings(), []);
    assert.equal(check.bundle?.state.kind, "redis");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the bundles of docs/deploy have no problem and no warning [S-6.5]", async () => {
  await assertGood(await Deno.readTextFile(`${DEPLOY}bundle/bundle.yaml`));
  await assertGood(String(at(object("ConfigMap", "bundle"), "data", "bundle.yaml")));
});

Deno.test("the client's configuration in docs/deploy is one that kz reads [S-6.5]", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${directory}/.keyzero.toml`,
      String(at(object("ConfigMap", "agent"), "data", ".keyzero.toml")),
    );
    const config = await loadConfig(
      { cwd: directory, getEnv: (name) => name === "HOME" ? directory : undefined },
      undefined,
    );
    assert.deepEqual([...config.secrets.keys()], ["GITHUB_TOKEN"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

const START = SERVER_COMMANDS.find(({ name }) => name === "server start")!;

const REPLICAS: readonly (readonly [where: string, args: unknown, keyFile: unknown])[] = [
  ...["kz-1", "kz-2"].map((name) =>
    [
      name,
      at(COMPOSE, "services", name, "command"),
      at(COMPOSE, "services", name, "environment", "KEYZERO_SERVER_KEY_FILE"),
    ] as const
  ),
  [
    "kubernetes",
    at(object("Deployment", "keyzero"), "spec", "template", "spec", "containers", 0, "args"),
    at(object("Deployment", "keyzero"), "spec", "template", "spec", "containers", 0, "env", 0, "value"),
  ],
];
for (const [where, args, keyFile] of REPLICAS) {
  Deno.test(`docs/deploy starts ${where} with options that kz server start has [S-6.5]`, () => {
    assert(Array.isArray(args));
    const [server, start, ...rest] = args.map(String);
    assert.deepEqual([server, start], ["server", "start"]);
    const options = parseArguments(START, rest);
    assert.match(String(keyFile), /^\/\S+server.key$/);
    // What goes to the HTTP interface is never in clear text.
    assert(options.has("tls-cert") && options.has("tls-key") && options.has("bundle"));
    assert.match(options.value("proxy-url") ?? "", /^http:\/\/keyzero[a-z.]*:3128$/);
  });
}

Deno.test("docs/deploy gives containers no more than they need [S-6.5]", () => {
  const services = at(COMPOSE, "services");
  assert(typeof services === "object" && services !== null);
  for (const service of Object.values(services)) {
    assert.equal(at(service, "read_only"), true);
    assert.deepEqual(at(service, "cap_drop"), ["ALL"]);
    assert.deepEqual(at(service, "security_opt"), ["no-new-privileges:true"]);
    assert(!["root", "0", ""].includes(String(at(service, "user"))));
  }
  assert.equal(at(COMPOSE, "networks", "state", "internal"), true);
  const pods = [
    at(object("Deployment", "keyzero"), "spec", "template", "spec"),
    at(object("StatefulSet", "redis"), "spec", "template", "spec"),
    at(object("Pod", "agent"), "spec"),
  ];
  for (const pod of pods) {
    assert.equal(at(pod, "automountServiceAccountToken"), false);
    assert.equal(at(pod, "securityContext", "runAsNonRoot"), true);
    const context = at(pod, "containers", 0, "securityContext");
    assert.equal(at(context, "readOnlyRootFilesystem"), true);
    assert.equal(at(context, "allowPrivilegeEscalation"), false);
    assert.deepEqual(at(context, "capabilities", "drop"), ["ALL"]);
  }
  assert.equal(at(object("Deployment", "keyzero"), "spec", "replicas"), 2);
});

Deno.test("docs/deploy mounts every secret and volume that it names, and no value is in a file of it [S-6.5]", () => {
  const declared = Object.keys(at(COMPOSE, "secrets") as object);
  const services = Object.values(at(COMPOSE, "services") as object);
  const used = services.flatMap((service) =>
    Object.hasOwn(service, "secrets") ? at(service, "secrets") as string[] : []
  );
  assert.deepEqual([...new Set(used)].sort(), declared.toSorted());
  for (
    const pod of [at(object("Deployment", "keyzero"), "spec", "template", "spec"), at(object("Pod", "agent"), "spec")]
  ) {
    const names = (at(pod, "volumes") as { name: string }[]).map(({ name }) => name);
    const mounts = (at(pod, "containers", 0, "volumeMounts") as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(mounts.toSorted(), names.toSorted());
  }
  assert(!KUBERNETES.some(({ kind }) => kind === "Secret"));
});

Deno.test({
  name: "docs/deploy/haproxy.cfg is one that HAProxy takes [S-6.5]",
  ignore: !hasProgram("haproxy"),
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const { CertificateAuthority } = await import("../proxy/tls/certificate_authority.ts");
      await Deno.writeTextFile(
        `${directory}/ca.pem`,
        (await CertificateAuthority.create({ now: new Date() })).certificatePem,
      );
      // Names of other containers are no names here.
      const config = (await Deno.readTextFile(`${DEPLOY}haproxy.cfg`)).replaceAll("/run/secrets", directory)
        .replaceAll(/ kz-([12]):/g, " 127.0.0.$1:");
      await Deno.writeTextFile(`${directory}/haproxy.cfg`, config);
      const { success, stderr } = await new Deno.Command("haproxy", { args: ["-c", "-f", `${directory}/haproxy.cfg`] })
        .output();
      assert(success, new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
