/** What the variables are made of. All files exist before the child starts; none holds a secret. */
export interface RuntimeSetup {
  /** With the run's credentials: `http://kz:PASSWORD@127.0.0.1:PORT`. */
  readonly proxyUrl: string;
  /** Our CA alone, PEM: for what adds it to its own roots. */
  readonly caFile: string;
  /** The system's roots and our CA, PEM: for what replaces its roots. */
  readonly caBundleFile: string;
  /** `node_preload.cjs`. */
  readonly preloadFile: string;
  /** Names the bundle to wget. */
  readonly wgetrcFile: string;
  /** The bundle as a PKCS#12 store without a password; absent where there is no Java. */
  readonly trustStoreFile?: string | undefined;
  /** The caller's `NODE_OPTIONS`, kept beside ours. */
  readonly nodeOptions?: string | undefined;
  /** The caller's `JAVA_TOOL_OPTIONS`, kept beside ours. */
  readonly javaToolOptions?: string | undefined;
}

interface VariableGroup {
  readonly reason: string;
  readonly variables: (setup: RuntimeSetup) => Readonly<Record<string, string>>;
}

const GROUPS: readonly VariableGroup[] = [
  {
    // curl and Ruby read `http_proxy` in lower case only, since a CGI client can set HTTP_PROXY; Go, .NET and others take both.
    reason: "HTTP goes to the proxy, in every runtime that asks the environment",
    variables: ({ proxyUrl }) => ({
      HTTP_PROXY: proxyUrl,
      http_proxy: proxyUrl,
      HTTPS_PROXY: proxyUrl,
      https_proxy: proxyUrl,
      ALL_PROXY: proxyUrl,
      all_proxy: proxyUrl,
    }),
  },
  {
    reason: "Nothing goes round the proxy, loopback included: the rules decide",
    variables: () => ({ NO_PROXY: "", no_proxy: "" }),
  },
  {
    // SSL_CERT_DIR is not set: OpenSSL and Go look there besides the file, and its default holds the system's roots.
    reason:
      "OpenSSL and what is built on it (Python, httpx, Ruby, PHP, Perl), Go except on macOS, rustls-native-certs, .NET",
    variables: ({ caBundleFile }) => ({ SSL_CERT_FILE: caBundleFile, NIX_SSL_CERT_FILE: caBundleFile }),
  },
  { reason: "curl and libcurl's users", variables: ({ caBundleFile }) => ({ CURL_CA_BUNDLE: caBundleFile }) },
  {
    reason: "wget, which has no variable for its roots; the user's own wgetrc is not read",
    variables: ({ wgetrcFile }) => ({ WGETRC: wgetrcFile }),
  },
  {
    // The proxy's address stands here too, over an `http.proxy` in the user's git configuration.
    reason: "git; it would ask without credentials first",
    variables: ({ proxyUrl, caBundleFile }) => ({
      GIT_SSL_CAINFO: caBundleFile,
      GIT_HTTP_PROXY_AUTHMETHOD: "basic",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.proxy",
      GIT_CONFIG_VALUE_0: proxyUrl,
    }),
  },
  {
    // NODE_USE_ENV_PROXY is not set: the preload does the same on every version, without Node's warning on stderr, for
    // every agent, and without the proxy's password in errors.
    reason: "Node and what runs on it (Yarn, pnpm, most MCP servers); Bun reads the first as well",
    variables: ({ caFile, preloadFile, nodeOptions }) => ({
      NODE_EXTRA_CA_CERTS: caFile,
      NODE_OPTIONS: joined(`--require ${quotedForNode(preloadFile)}`, nodeOptions),
    }),
  },
  {
    reason: "npm and pnpm, over what the user's .npmrc says",
    variables: ({ proxyUrl, caBundleFile }) => ({
      npm_config_cafile: caBundleFile,
      npm_config_proxy: proxyUrl,
      npm_config_https_proxy: proxyUrl,
      npm_config_noproxy: "",
    }),
  },
  { reason: "Deno", variables: ({ caFile }) => ({ DENO_CERT: caFile }) },
  {
    reason: "Python: requests and pip, the AWS and Google command lines, httplib2, websocket-client",
    variables: ({ proxyUrl, caBundleFile }) => ({
      REQUESTS_CA_BUNDLE: caBundleFile,
      PIP_CERT: caBundleFile,
      PIP_PROXY: proxyUrl,
      AWS_CA_BUNDLE: caBundleFile,
      CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: caBundleFile,
      HTTPLIB2_CA_CERTS: caBundleFile,
      WEBSOCKET_CLIENT_CA_BUNDLE: caBundleFile,
    }),
  },
  {
    reason: "Cargo, over the user's configuration",
    variables: ({ proxyUrl, caBundleFile }) => ({ CARGO_HTTP_CAINFO: caBundleFile, CARGO_HTTP_PROXY: proxyUrl }),
  },
  { reason: "Ruby's bundler", variables: ({ caBundleFile }) => ({ BUNDLE_SSL_CA_CERT: caBundleFile }) },
  {
    reason: "Perl's LWP, which asks the environment only if told so",
    variables: ({ caBundleFile }) => ({ PERL_LWP_ENV_PROXY: "1", PERL_LWP_SSL_CA_FILE: caBundleFile }),
  },
  {
    reason: "gRPC in C, which has roots of its own",
    variables: ({ caBundleFile }) => ({ GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caBundleFile }),
  },
  {
    reason: "Java; only where there is one, since every JVM prints this variable",
    variables: (setup): Readonly<Record<string, string>> =>
      setup.trustStoreFile === undefined
        ? (setup.javaToolOptions === undefined ? {} : { JAVA_TOOL_OPTIONS: setup.javaToolOptions })
        : { JAVA_TOOL_OPTIONS: joined(javaOptions(setup.proxyUrl, setup.trustStoreFile), setup.javaToolOptions) },
  },
  {
    reason: "kz itself refuses what reveals or changes secrets (TM-31); programs may tell what they run in",
    variables: () => ({ KEYZERO_BLIND: "1" }),
  },
];

/** Others' variables that would undo or shadow ours; upper case. */
const SHADOWING: readonly string[] = [
  "DENO_TLS_CA_STORE",
  "FTP_PROXY",
  "GIT_HTTP_PROXY",
  "GIT_PROXY_SSL_CAINFO",
  "GIT_SSL_CAPATH",
  "GIT_SSL_NO_VERIFY",
  "GRPC_PROXY",
  "JAVA_OPTIONS",
  "JDK_JAVA_OPTIONS",
  "NODE_TLS_REJECT_UNAUTHORIZED",
  "NODE_USE_ENV_PROXY",
  "NODE_USE_SYSTEM_CA",
  "NO_GRPC_PROXY",
  "SSL_CERT_DIR",
  "WSS_PROXY",
  "WS_PROXY",
  "YARN_HTTPS_PROXY",
  "YARN_HTTP_PROXY",
  "_JAVA_OPTIONS",
];

/** Every variable that a blind child gets from us, for every common runtime. Pure; holds the proxy's credentials. */
export function runtimeVariables(setup: RuntimeSetup): Record<string, string> {
  return Object.assign({}, ...GROUPS.map((group) => group.variables(setup)));
}

/** Whether a variable is ours to set, in whatever case, or would stand in the way of one that is. */
export function isRuntimeVariable(name: string): boolean {
  const upper = name.toUpperCase();
  return OURS.has(upper) || GIT_CONFIG_REGEXP.test(upper);
}

/** Their count is ours, so that a caller's would be read only by chance. */
const GIT_CONFIG_REGEXP = /^GIT_CONFIG_(?:COUNT|PARAMETERS|KEY_\d+|VALUE_\d+)$/;
const OURS: ReadonlySet<string> = new Set([
  ...SHADOWING,
  ...Object.keys(
    runtimeVariables({
      proxyUrl: "http://127.0.0.1:1",
      caFile: "",
      caBundleFile: "",
      preloadFile: "",
      wgetrcFile: "",
      trustStoreFile: "",
    }),
  ).map((name) => name.toUpperCase()),
]);

/** Ours first, so that what the user loads sees the routed functions and may wrap them. */
function joined(ours: string, theirs: string | undefined): string {
  return theirs === undefined || theirs.trim() === "" ? ours : `${ours} ${theirs}`;
}

/** Node splits `NODE_OPTIONS` at spaces, outside double quotes; a backslash escapes inside them. */
function quotedForNode(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&")}"`;
}

/**
 * System properties for the JVM.
 *
 * Its own HTTP clients take no proxy credentials from properties, so that a program without an `Authenticator` gets 407.
 * Apache HttpClient, Maven, Gradle and many authenticators read `proxyUser` and `proxyPassword`.
 */
function javaOptions(proxyUrl: string, trustStoreFile: string): string {
  const { hostname, port, username, password } = new URL(proxyUrl);
  const properties: string[] = [];
  for (const scheme of ["http", "https"]) {
    properties.push(
      `${scheme}.proxyHost=${hostname}`,
      `${scheme}.proxyPort=${port}`,
      `${scheme}.proxyUser=${username}`,
      `${scheme}.proxyPassword=${password}`,
    );
  }
  properties.push(
    // Loopback is exempt by default.
    "http.nonProxyHosts=",
    // Basic is off for CONNECT by default, since proxies are mostly reached over a network.
    "jdk.http.auth.tunneling.disabledSchemes=",
    "javax.net.ssl.trustStoreType=PKCS12",
    `javax.net.ssl.trustStore=${trustStoreFile}`,
  );
  // The JVM splits the variable at white space, outside quotes; it knows no escape inside them.
  return properties.map((property) => /\s/.test(property) ? `"-D${property}"` : `-D${property}`).join(" ");
}
