import assert from "node:assert/strict";
import { isRuntimeVariable, type RuntimeSetup, runtimeVariables } from "./runtime_variables.ts";

const SETUP: RuntimeSetup = {
  proxyUrl: "http://kz:word@127.0.0.1:4321",
  caFile: "/t/ca.pem",
  caBundleFile: "/t/bundle.pem",
  preloadFile: "/t/preload.cjs",
  wgetrcFile: "/t/wgetrc",
};

Deno.test("runtimeVariables() exempts no host from the proxy", () => {
  const variables = runtimeVariables(SETUP);
  assert.equal(variables["NO_PROXY"], "");
  assert.equal(variables["no_proxy"], "");
  assert.equal(variables["npm_config_noproxy"], "");
});

Deno.test("runtimeVariables() gives the bundle to what replaces its roots and our CA alone to what adds it", () => {
  const variables = runtimeVariables(SETUP);
  const named = (file: string) => Object.keys(variables).filter((name) => variables[name] === file).sort();
  assert.deepEqual(named("/t/ca.pem"), ["DENO_CERT", "NODE_EXTRA_CA_CERTS"]);
  assert.deepEqual(named("/t/bundle.pem"), [
    "AWS_CA_BUNDLE",
    "BUNDLE_SSL_CA_CERT",
    "CARGO_HTTP_CAINFO",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "NIX_SSL_CERT_FILE",
    "PERL_LWP_SSL_CA_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
    "npm_config_cafile",
  ]);
});

/** Why, the preload's path, the caller's options; ours. */
const NODE_ROWS: readonly [string, string, string | undefined, string][] = [
  ["no options of the caller", "/t/p.cjs", undefined, '--require "/t/p.cjs"'],
  ["empty options of the caller", "/t/p.cjs", " ", '--require "/t/p.cjs"'],
  ["options of the caller, kept behind ours", "/t/p.cjs", "--title=x", '--require "/t/p.cjs" --title=x'],
  ["a path with a space", "/t t/p.cjs", undefined, '--require "/t t/p.cjs"'],
  ["a path of Windows", "C:\\t\\p.cjs", undefined, '--require "C:\\\\t\\\\p.cjs"'],
  ["a path with a quote", '/t"/p.cjs', undefined, '--require "/t\\"/p.cjs"'],
];

for (const [why, preloadFile, nodeOptions, expected] of NODE_ROWS) {
  Deno.test(`runtimeVariables() writes NODE_OPTIONS: ${why}`, () => {
    assert.equal(runtimeVariables({ ...SETUP, preloadFile, nodeOptions })["NODE_OPTIONS"], expected);
  });
}

Deno.test("runtimeVariables() leaves the JVM's options alone without a trust store", () => {
  assert.equal("JAVA_TOOL_OPTIONS" in runtimeVariables(SETUP), false);
  assert.equal(runtimeVariables({ ...SETUP, javaToolOptions: "-Dx=y" })["JAVA_TOOL_OPTIONS"], "-Dx=y");
});

Deno.test("runtimeVariables() writes the JVM's options, the caller's kept behind ours", () => {
  const variables = runtimeVariables({ ...SETUP, trustStoreFile: "/t t/store.p12", javaToolOptions: "-Dx=y" });
  assert.equal(
    variables["JAVA_TOOL_OPTIONS"],
    "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=4321 -Dhttp.proxyUser=kz -Dhttp.proxyPassword=word " +
      "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=4321 -Dhttps.proxyUser=kz -Dhttps.proxyPassword=word " +
      "-Dhttp.nonProxyHosts= -Djdk.http.auth.tunneling.disabledSchemes= -Djavax.net.ssl.trustStoreType=PKCS12 " +
      '"-Djavax.net.ssl.trustStore=/t t/store.p12" -Dx=y',
  );
});

Deno.test("isRuntimeVariable() knows every variable that runtimeVariables() sets", () => {
  for (const name of Object.keys(runtimeVariables({ ...SETUP, trustStoreFile: "/t/store.p12" }))) {
    assert.ok(isRuntimeVariable(name), name);
    assert.ok(isRuntimeVariable(name.toLowerCase()), name);
  }
  assert.equal(isRuntimeVariable("PATH"), false);
});
