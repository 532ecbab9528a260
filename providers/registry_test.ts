import assert from "node:assert/strict";
import { AppError } from "../policy/error.ts";
import { parseSecretRef } from "../policy/secret_ref.ts";
import { loadProvider } from "./load_provider.ts";
import type { Machine } from "./machine.ts";
import type { PermissionSet } from "./permission_set.ts";
import { findProvider, getProvider, type ProviderAction, PROVIDERS } from "./registry.ts";

function machineWith(env: Record<string, string>): Machine {
  return { os: "linux", root: "/project", env: (name) => env[name] };
}
const MACHINE = machineWith({ HOME: "/home/u" });
const KEYCHAIN_ENV = [
  "DBUS_SESSION_BUS_ADDRESS",
  "DISPLAY",
  "HOME",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "XDG_RUNTIME_DIR",
];

Deno.test("PROVIDERS can each be loaded, and write where they say so", async () => {
  for (const entry of PROVIDERS) {
    const provider = await loadProvider(entry.name, entry.prepare({}, MACHINE));
    assert.equal(provider.put !== undefined, entry.writable, entry.name);
  }
});

Deno.test("getProvider() refuses an unknown name without echoing it", () => {
  for (const name of ["canary", "toString", "__proto__", ""]) {
    assert.equal(findProvider(name), undefined);
    assert.throws(() => getProvider(name), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "CONFIG_PROVIDER_UNKNOWN");
      assert(!error.message.includes("canary"));
      return true;
    });
  }
});

const REFS: readonly [provider: string, ref: string, parsed: string | undefined][] = [
  ["keychain", "any name", "any name"],
  ["store", "any/name", "any/name"],
  ["env", "GITHUB_TOKEN", "GITHUB_TOKEN"],
  ["env", "AWS_*", undefined],
  ["env", "A=B", undefined],
  ["file", "/run/secrets/a", "/run/secrets/a"],
  ["file", "secrets/a", "/project/secrets/a"],
  ["file", "../a", undefined],
  ["file", "a/../../b", undefined],
  ["file", "/a/../b", undefined],
  ["file", "~/../b", undefined],
  ["file", "a..b/..c", "/project/a..b/..c"],
  ["dotenv", "../.env#KEY", undefined],
  ["file", "~/a", "/home/u/a"],
  ["dotenv", ".env#KEY", "/project/.env#KEY"],
  ["dotenv", "~/a#b/.env#KEY", "/home/u/a#b/.env#KEY"],
  ["dotenv", ".env", undefined],
  ["dotenv", "#KEY", undefined],
  ["dotenv", ".env#", undefined],
  ["aws", "sm://a#b", "sm://a#b"],
  ["aws", "a", undefined],
  ["keyzero", "github/pat", "github/pat"],
  ["keyzero", "github/*", undefined],
  ["keyzero", "../pat", undefined],
  ["keyzero", "!other", undefined],
];
for (const [provider, ref, parsed] of REFS) {
  Deno.test(`parseRef() of ${provider} ${parsed === undefined ? "refuses" : "reads"} ${ref}`, () => {
    const parse = () => getProvider(provider).parseRef(parseSecretRef(ref), MACHINE);
    if (parsed === undefined) assert.throws(parse, { name: "AppError", code: "CONFIG_REF_INVALID" });
    else assert.equal(parse(), parsed);
  });
}

Deno.test("parseRef() of file refuses ~ where there is no home directory", () => {
  const parse = () => getProvider("file").parseRef(parseSecretRef("~/a"), machineWith({}));
  assert.throws(parse, { name: "AppError", code: "CONFIG_REF_INVALID" });
});

const PREPARED: readonly [
  why: string,
  name: string,
  options: Record<string, string>,
  env: Record<string, string>,
  Record<string, string>,
][] = [
  ["the store in the home directory", "store", {}, { HOME: "/h" }, { path: "/h/.local/share/keyzero/store.age" }],
  ["the store in XDG_DATA_HOME", "store", {}, { HOME: "/h", XDG_DATA_HOME: "/d" }, { path: "/d/keyzero/store.age" }],
  ["the store, but not in a relative XDG_DATA_HOME", "store", {}, { HOME: "/h", XDG_DATA_HOME: "d" }, {
    path: "/h/.local/share/keyzero/store.age",
  }],
  ["a store's own path", "store", { path: "a.age" }, { HOME: "/h" }, { path: "/project/a.age" }],
  ["the region of the environment", "aws", {}, { AWS_DEFAULT_REGION: "eu-west-1" }, { region: "eu-west-1" }],
  ["AWS_REGION first", "aws", {}, { AWS_REGION: "us-east-1", AWS_DEFAULT_REGION: "eu-west-1" }, {
    region: "us-east-1",
  }],
  ["the region of the options first", "aws", { region: "eu-north-1" }, { AWS_REGION: "us-east-1" }, {
    region: "eu-north-1",
  }],
  ["the server and the JWT of the environment", "keyzero", {}, {
    KEYZERO_SERVER_URL: "https://kz.internal",
    KEYZERO_JWT_FILE: "/run/jwt",
  }, { url: "https://kz.internal", jwt_file: "/run/jwt" }],
  [
    "the server of the options first, and their paths",
    "keyzero",
    {
      url: "http://localhost:8080",
      jwt_file: "a.jwt",
      ca: "~/ca.pem",
    },
    { KEYZERO_SERVER_URL: "https://kz.internal", KEYZERO_JWT_FILE: "/run/jwt", HOME: "/h" },
    {
      url: "http://localhost:8080",
      jwt_file: "/project/a.jwt",
      ca: "/h/ca.pem",
    },
  ],
  [
    "no server that would be shown a JWT in clear text",
    "keyzero",
    {},
    { KEYZERO_SERVER_URL: "http://kz.internal" },
    {},
  ],
  ["no region that is none", "aws", {}, { AWS_REGION: "evil.example#" }, {}],
];
for (const [why, name, options, env, prepared] of PREPARED) {
  Deno.test(`prepare() finds ${why}`, () => {
    assert.deepEqual(getProvider(name).prepare(options, machineWith(env)), prepared);
  });
}

const STORE = { path: "/d/store.age" };
const SERVER = { url: "https://kz.internal", jwt_file: "/run/jwt" };
const PERMISSIONS: readonly [string, string, Record<string, string>, string[], ProviderAction, PermissionSet][] = [
  ["only the variables named", "env", {}, ["A", "B"], "resolve", { env: ["A", "B"] }],
  ["only the files named", "file", {}, ["/a", "/b"], "resolve", { read: ["/a", "/b"] }],
  ["each file once", "dotenv", {}, ["/a#K", "/a#L"], "resolve", { read: ["/a"] }],
  ["one program", "keychain", {}, ["a"], "put", { run: ["secret-tool"], env: KEYCHAIN_ENV }],
  ["no writing to read a store", "store", { ...STORE, identity: "file" }, ["a"], "resolve", {
    env: ["KEYZERO_PASSPHRASE"],
    read: ["/d/store.age", "/d/store.age.identity"],
  }],
  ["a store's directory to write", "store", { ...STORE, identity: "passphrase" }, ["a"], "put", {
    env: ["KEYZERO_PASSPHRASE"],
    read: ["/d"],
    write: ["/d"],
  }],
  ["the keychain for a store whose key may be there", "store", STORE, ["a"], "check", {
    run: ["secret-tool"],
    env: [...KEYCHAIN_ENV, "KEYZERO_PASSPHRASE"],
    read: ["/d/store.age", "/d/store.age.identity"],
  }],
  ["the server and two files", "keyzero", { ...SERVER, ca: "/etc/ca.pem" }, ["a/b"], "resolve", {
    net: ["kz.internal:443"],
    read: ["/run/jwt", "/etc/ca.pem"],
  }],
  ["a port of this machine", "keyzero", { url: "http://[::1]:8080/", jwt_file: "/run/jwt" }, ["a"], "check", {
    net: ["[::1]:8080"],
    read: ["/run/jwt"],
  }],
  ["nothing without a server", "keyzero", {}, ["a"], "resolve", { read: [] }],
];
for (const [why, name, options, refs, action, expected] of PERMISSIONS) {
  Deno.test(`permissions() of ${name} grants ${why}`, () => {
    const permissions = getProvider(name).permissions(options, refs.map(parseSecretRef), { machine: MACHINE, action });
    assert.deepEqual(permissions, expected);
  });
}

const HOSTS: readonly [why: string, options: Record<string, string>, first: readonly string[]][] = [
  ["the region's endpoints", { region: "eu-west-1" }, [
    "secretsmanager.eu-west-1.amazonaws.com:443",
    "ssm.eu-west-1.amazonaws.com:443",
    "sts.eu-west-1.amazonaws.com:443",
  ]],
  ["China's domain", { region: "cn-north-1" }, ["secretsmanager.cn-north-1.amazonaws.com.cn:443"]],
  ["the override alone", { region: "eu-west-1", endpoint: "http://localhost:4566" }, [
    "localhost:4566",
    "169.254.169.254:80",
  ]],
  ["the override's own port", { endpoint: "https://aws.internal" }, ["aws.internal:443"]],
];
for (const [why, options, first] of HOSTS) {
  Deno.test(`permissions() of aws reach ${why}`, () => {
    const checked = getProvider("aws").parseOptions(options);
    const { net } = getProvider("aws").permissions(checked, [], { machine: MACHINE, action: "resolve" });
    assert.deepEqual(net?.slice(0, first.length), first);
  });
}

for (
  const endpoint of [
    "http://evil.example",
    "https://user@aws.internal",
    "https://a/path",
    "ftp://a",
    "http://localhost.evil.example",
  ]
) {
  Deno.test(`parseOptions() of aws refuses the endpoint ${endpoint}`, () => {
    assert.throws(() => getProvider("aws").parseOptions({ endpoint }), {
      name: "AppError",
      code: "CONFIG_TYPE_INVALID",
    });
  });
}

for (
  const url of [
    "http://kz.internal",
    "http://localhost.evil.example",
    "https://user:canary@kz.internal",
    "https://kz.internal/path",
    "https://kz.internal?a",
    "ftp://kz.internal",
  ]
) {
  Deno.test(`parseOptions() of keyzero refuses the URL ${url}`, () => {
    assert.throws(() => getProvider("keyzero").parseOptions({ url }), {
      name: "AppError",
      code: "CONFIG_TYPE_INVALID",
    });
  });
}
