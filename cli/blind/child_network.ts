import { CaFiles } from "../blind_environment/ca_files.ts";
import { runtimeVariables } from "../blind_environment/runtime_variables.ts";
import type { ProxyReady } from "./proxy_process.ts";

/** What leads the child through the proxy; its files are removed with its scope. */
export interface ChildNetwork extends AsyncDisposable {
  readonly variables: Readonly<Record<string, string>>;
}

/** @param caller The caller's variables; the options of Node and Java among them are kept beside ours. */
export async function openChildNetwork(
  { port, user, password, caPem }: ProxyReady,
  caller: Readonly<Record<string, string>>,
): Promise<ChildNetwork> {
  const files = await CaFiles.create({ caPem, caller });
  const { caFile, caBundleFile, preloadFile, wgetrcFile, trustStoreFile } = files;
  const variables = runtimeVariables({
    caFile,
    caBundleFile,
    preloadFile,
    wgetrcFile,
    trustStoreFile,
    proxyUrl: `http://${user}:${password}@127.0.0.1:${port}`,
    nodeOptions: caller["NODE_OPTIONS"],
    javaToolOptions: caller["JAVA_TOOL_OPTIONS"],
  });
  return { variables, [Symbol.asyncDispose]: () => files[Symbol.asyncDispose]() };
}
