import assert from "node:assert/strict";
import { join } from "node:path";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import type { Machine } from "../../providers/machine.ts";
import { getProvider, type ProviderAction } from "../../providers/registry.ts";
import { setVariable, temporaryDirectory } from "../../providers/testing/store_of.ts";
import { hasProgram } from "../child/testdata/child_fixture.ts";
import { collectValues } from "./collect_values.ts";
import { Resolver, resolverPermissions, type ResolverTask } from "./resolver.ts";

const MACHINE: Machine = {
  os: Deno.build.os,
  root: "/project",
  env: (name) => new Map([["HOME", "/home/u"], ["USERPROFILE", "/home/u"]]).get(name),
};
const { signal } = new AbortController();
const LACKS_SECRET_TOOL = Deno.build.os === "linux" && !hasProgram("secret-tool");

function taskFor(
  name: string,
  refs: readonly string[],
  more: { action?: ProviderAction; options?: Record<string, string> } = {},
): ResolverTask {
  const entry = getProvider(name);
  const parsed = refs.map((ref) => entry.parseRef(parseSecretRef(ref), MACHINE));
  return { entry, options: more.options ?? {}, refs: parsed, action: more.action ?? "resolve", machine: MACHINE };
}

/** Asks in a worker with the very permissions that the resolver of this task gets. */
async function statesIn(task: ResolverTask, descriptors: readonly Deno.PermissionDescriptor[]): Promise<string[]> {
  const options = task.entry.prepare(task.entry.parseOptions(task.options), task.machine);
  const worker = new Worker(new URL("./testing/permission_probe.ts", import.meta.url), {
    type: "module",
    deno: { permissions: resolverPermissions(task, { name: task.entry.name, options }) },
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
      worker.postMessage(descriptors);
    });
  } finally {
    worker.terminate();
  }
}

/** Every kind as a whole, which no resolver has, and one thing of each kind that no resolver needs. */
const ALWAYS_DENIED: readonly Deno.PermissionDescriptor[] = [
  { name: "env" },
  { name: "net" },
  { name: "read" },
  { name: "run" },
  { name: "sys" },
  { name: "write" },
  { name: "ffi" },
  { name: "env", variable: "PATH" },
  { name: "net", host: "evil.example:443" },
  { name: "net", host: "127.0.0.1:1" },
  { name: "read", path: "/etc/passwd" },
  { name: "run", command: "sh" },
  { name: "sys", kind: "hostname" },
  { name: "write", path: "/home/u/.bashrc" },
];

const STORE = { path: "/d/store.age", identity: "file" };
const KEYCHAIN_PROGRAM = { linux: "secret-tool", darwin: "/usr/bin/security" }[Deno.build.os as "linux" | "darwin"] ??
  "";

/** What the worker of each task may do, and what it may not although another task of the same provider may. */
const TASKS: readonly {
  why: string;
  task: ResolverTask;
  granted: readonly Deno.PermissionDescriptor[];
  denied: readonly Deno.PermissionDescriptor[];
}[] = [
  {
    why: "env, one variable",
    task: taskFor("env", ["KZ_A"]),
    granted: [{ name: "env", variable: "KZ_A" }],
    denied: [{ name: "env", variable: "KZ_B" }, { name: "env", variable: "HOME" }],
  },
  {
    why: "file, one path",
    task: taskFor("file", ["secrets/a"]),
    granted: [{ name: "read", path: "/project/secrets/a" }],
    denied: [{ name: "read", path: "/project/secrets/b" }, { name: "read", path: "/project/secrets" }],
  },
  {
    why: "dotenv, one path",
    task: taskFor("dotenv", [".env#A", ".env#B"]),
    granted: [{ name: "read", path: "/project/.env" }],
    denied: [{ name: "read", path: "/project/.env.local" }, { name: "env", variable: "A" }],
  },
  {
    why: "keychain",
    task: taskFor("keychain", ["a"], { action: "put" }),
    granted: [{ name: "run", command: KEYCHAIN_PROGRAM }],
    denied: [{ name: "write", path: "/home/u" }, { name: "env", variable: "KEYZERO_PASSPHRASE" }],
  },
  {
    why: "store, reading",
    task: taskFor("store", ["a"], { options: STORE }),
    granted: [
      { name: "read", path: "/d/store.age" },
      { name: "read", path: "/d/store.age.identity" },
      { name: "env", variable: "KEYZERO_PASSPHRASE" },
    ],
    denied: [
      { name: "read", path: "/d/other" },
      { name: "write", path: "/d/store.age" },
      { name: "run", command: KEYCHAIN_PROGRAM },
    ],
  },
  {
    why: "store, writing",
    task: taskFor("store", ["a"], { options: STORE, action: "put" }),
    granted: [{ name: "read", path: "/d" }, { name: "write", path: "/d" }],
    denied: [{ name: "write", path: "/" }, { name: "run", command: KEYCHAIN_PROGRAM }],
  },
  {
    why: "store, whose key may be in the keychain",
    task: taskFor("store", ["a"], { options: { path: "/d/store.age" } }),
    granted: [{ name: "run", command: KEYCHAIN_PROGRAM }],
    denied: [{ name: "write", path: "/d" }],
  },
  {
    why: "aws, a region",
    task: taskFor("aws", ["sm://a"], { options: { region: "eu-west-1" } }),
    granted: [
      { name: "net", host: "secretsmanager.eu-west-1.amazonaws.com:443" },
      { name: "net", host: "ssm.eu-west-1.amazonaws.com:443" },
      { name: "env", variable: "AWS_PROFILE" },
      { name: "read", path: "/home/u/.aws/config" },
    ],
    denied: [
      { name: "net", host: "secretsmanager.us-east-1.amazonaws.com:443" },
      { name: "net", host: "secretsmanager.eu-west-1.amazonaws.com:80" },
      { name: "net", host: "s3.eu-west-1.amazonaws.com:443" },
      { name: "read", path: "/home/u/.ssh" },
      { name: "write", path: "/home/u/.aws" },
    ],
  },
  {
    why: "keyzero",
    task: taskFor("keyzero", ["github/pat"], {
      options: { url: "https://kz.internal:8443", jwt_file: "/run/jwt", ca: "/etc/ca.pem" },
    }),
    granted: [
      { name: "net", host: "kz.internal:8443" },
      { name: "read", path: "/run/jwt" },
      { name: "read", path: "/etc/ca.pem" },
    ],
    denied: [
      { name: "net", host: "kz.internal:443" },
      { name: "net", host: "api.github.com:443" },
      { name: "read", path: "/run" },
      { name: "env", variable: "KEYZERO_JWT_FILE" },
    ],
  },
  {
    why: "aws, an endpoint",
    task: taskFor("aws", ["sm://a"], { options: { region: "eu-west-1", endpoint: "https://aws.internal:8443" } }),
    granted: [{ name: "net", host: "aws.internal:8443" }],
    denied: [{ name: "net", host: "aws.internal:443" }, {
      name: "net",
      host: "secretsmanager.eu-west-1.amazonaws.com:443",
    }],
  },
];
for (const { why, task, granted, denied } of TASKS) {
  Deno.test({
    name: `resolverPermissions() inside the worker of ${why} [F-5.7]`,
    // Deno grants a program by its path, which one that is not installed does not have.
    ignore: Deno.build.os === "windows" || (why.includes("keychain") && LACKS_SECRET_TOOL),
    async fn() {
      const all = [...granted, ...denied, ...ALWAYS_DENIED];
      const states = await statesIn(task, all);
      // What is not granted is "prompt" where nobody can be asked, or "denied".
      const seen = all.map((descriptor, index) => ({ descriptor, granted: states[index] === "granted" }));
      assert.deepEqual(seen, all.map((descriptor, index) => ({ descriptor, granted: index < granted.length })));
    },
  });
}

/** Asks a running resolver for something that its task did not name. */
async function askBeyond(
  task: ResolverTask,
  ref: string,
): Promise<{ found: readonly string[]; code: string | undefined }> {
  using resolver = new Resolver(task);
  const { port1, port2: values } = new MessageChannel();
  const reply = await resolver.ask(
    { kind: "resolve", provider: resolver.setup, secrets: [{ id: "a", ref }], timeoutMs: 5000, values },
    { transfer: [values], signal },
  );
  assert(reply?.kind === "resolved");
  for (const bytes of (await collectValues([port1], reply.found)).values()) bytes.fill(0);
  return { found: reply.found, code: reply.failed[0]?.error.code };
}

Deno.test("Resolver of env cannot read a variable that its task did not name [F-5.7]", async () => {
  using _named = setVariable("KZ_NAMED", "x");
  using _other = setVariable("KZ_OTHER", "kz-canary-other");
  const task = taskFor("env", ["KZ_NAMED"]);
  assert.deepEqual(await askBeyond(task, "KZ_NAMED"), { found: ["a"], code: undefined });
  assert.deepEqual(await askBeyond(task, "KZ_OTHER"), { found: [], code: "INTERNAL" });
});

Deno.test("Resolver of file and dotenv cannot read a file that its task did not name [F-5.7]", async () => {
  using directory = temporaryDirectory();
  const [named, other] = [join(directory.path, "named"), join(directory.path, "other")];
  for (const path of [named, other]) Deno.writeTextFileSync(path, "A=kz-canary-file\n");
  assert.deepEqual(await askBeyond(taskFor("file", [named]), named), { found: ["a"], code: undefined });
  assert.deepEqual(await askBeyond(taskFor("file", [named]), other), { found: [], code: "PROVIDER_ACCESS_DENIED" });
  assert.deepEqual(await askBeyond(taskFor("dotenv", [`${named}#A`]), `${other}#A`), {
    found: [],
    code: "PROVIDER_ACCESS_DENIED",
  });
});
