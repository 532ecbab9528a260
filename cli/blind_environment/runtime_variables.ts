/** What the variables speak of. All paths are absolute. */
export interface RuntimeSettings {
  /** With the run's user and password. */
  readonly proxyUrl: string;
  /** The run's CA alone. */
  readonly caFile: string;
  /** The system's roots and the run's CA, for variables that replace the system's roots. */
  readonly bundleFile: string;
  readonly preloadFile: string;
  /** `NODE_OPTIONS` of the caller, kept before ours. */
  readonly nodeOptions?: string | undefined;
}

/** Every variable that leads a common runtime through the proxy and lets it trust the run's CA. */
export function runtimeVariables(settings: RuntimeSettings): Record<string, string> {
  const { proxyUrl, caFile, bundleFile, preloadFile, nodeOptions } = settings;
  const variables: Record<string, string> = {
    KEYZERO_BLIND: "1",
    NODE_USE_ENV_PROXY: "1",
    NODE_EXTRA_CA_CERTS: caFile,
    NODE_OPTIONS: [nodeOptions, `--require=${JSON.stringify(preloadFile)}`].filter((part) => part).join(" "),
    DENO_CERT: caFile,
  };
  for (const name of ["http_proxy", "https_proxy", "all_proxy"]) {
    variables[name] = proxyUrl;
    variables[name.toUpperCase()] = proxyUrl;
  }
  for (const name of ["no_proxy", "NO_PROXY"]) variables[name] = "";
  for (const name of BUNDLE_VARIABLES) variables[name] = bundleFile;
  return variables;
}

/** They replace the system's roots. */
const BUNDLE_VARIABLES = [
  "SSL_CERT_FILE",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "GIT_SSL_CAINFO",
  "AWS_CA_BUNDLE",
  "PIP_CERT",
  "CARGO_HTTP_CAINFO",
  "NPM_CONFIG_CAFILE",
  "BUNDLE_SSL_CA_CERT",
] as const;
