import assert from "node:assert/strict";
import { AppError } from "../../policy/error.ts";
import { inheritedEnvironment, type InheritOptions } from "./inherited.ts";

const BLIND: InheritOptions = { mode: "blind", caseSensitive: true };
const DIRECT: InheritOptions = { mode: "direct", caseSensitive: true };

/** Why, the variable, patterns, how; what becomes of it. */
const ROWS: readonly [string, string, readonly string[], InheritOptions, "passed" | "withheld" | "replaced"][] = [
  ["an allowed name", "PATH", [], BLIND, "passed"],
  ["an allowed prefix", "LC_ALL", [], BLIND, "passed"],
  ["an allowed prefix is no substring", "MY_LC_ALL", [], BLIND, "withheld"],
  ["an allowed name is no prefix", "PATH_TO_KEY", [], BLIND, "withheld"],
  ["an unknown name", "GITHUB_TOKEN", [], BLIND, "withheld"],
  ["an agent's socket", "SSH_AUTH_SOCK", [], BLIND, "withheld"],
  ["the session bus, where the keychain is", "DBUS_SESSION_BUS_ADDRESS", [], BLIND, "withheld"],
  ["the directory of sockets", "XDG_RUNTIME_DIR", [], BLIND, "withheld"],
  ["a daemon that runs anything", "DOCKER_HOST", [], BLIND, "withheld"],
  ["a kept name", "SSH_AUTH_SOCK", ["SSH_AUTH_SOCK"], BLIND, "passed"],
  ["a kept prefix", "LOG_LEVEL", ["LOG_*"], BLIND, "passed"],
  ["the bare prefix itself", "LOG_", ["LOG_*"], BLIND, "passed"],
  ["beside a kept prefix", "LOGS", ["LOG_*"], BLIND, "withheld"],
  ["a proxy", "https_proxy", [], BLIND, "replaced"],
  ["a proxy, even kept", "https_proxy", ["https_proxy"], BLIND, "replaced"],
  ["an exemption from the proxy, in a prefix", "NO_PROXY", ["NO_*"], BLIND, "replaced"],
  ["roots", "SSL_CERT_FILE", ["SSL_CERT_FILE"], BLIND, "replaced"],
  ["a second directory of roots", "SSL_CERT_DIR", ["SSL_*"], BLIND, "replaced"],
  ["verification off", "NODE_TLS_REJECT_UNAUTHORIZED", ["NODE_*"], BLIND, "replaced"],
  ["git configuration by number", "GIT_CONFIG_VALUE_3", ["GIT_*"], BLIND, "replaced"],
  ["options that are merged", "NODE_OPTIONS", ["NODE_OPTIONS"], BLIND, "replaced"],
  ["our own mark", "KEYZERO_BLIND", ["KEYZERO_*"], BLIND, "replaced"],
  ["a proxy, direct", "HTTPS_PROXY", [], DIRECT, "withheld"],
  ["a proxy, direct and kept", "HTTPS_PROXY", ["HTTPS_PROXY"], DIRECT, "passed"],
  ["roots, direct", "SSL_CERT_FILE", [], DIRECT, "passed"],
  ["another case, where case counts", "Path", [], BLIND, "withheld"],
  ["another case, on Windows", "Path", [], { mode: "blind", caseSensitive: false }, "passed"],
  ["another case, kept on Windows", "Log_Level", ["LOG_*"], { mode: "blind", caseSensitive: false }, "passed"],
  ["a name of Object's prototype", "__proto__", [], BLIND, "withheld"],
  ["a name of Object's prototype, kept", "__proto__", ["__proto__"], BLIND, "passed"],
];

for (const [why, name, keep, options, expected] of ROWS) {
  Deno.test(`inheritedEnvironment(): ${why} is ${expected}`, () => {
    const caller = Object.fromEntries([[name, "value"]]);
    const { passed, withheld } = inheritedEnvironment(caller, keep, options);
    assert.deepEqual(Object.entries(passed), expected === "passed" ? [[name, "value"]] : []);
    assert.deepEqual(withheld, expected === "withheld" ? [name] : []);
  });
}

for (const pattern of ["*", "", "A*B", "A**", "A=B", "A B", "1A", "-A", "ghp_canary secret"]) {
  Deno.test(`inheritedEnvironment() refuses ${JSON.stringify(pattern)} as a pattern and does not show it`, () => {
    assert.throws(() => inheritedEnvironment({}, [pattern], BLIND), (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, "CONFIG_NAME_INVALID");
      assert.equal(error.message, "Cannot keep variables: a pattern is neither a name nor a prefix and a star");
      return true;
    });
  });
}
