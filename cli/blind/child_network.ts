import { writeCaFiles } from "../blind_environment/ca_files.ts";
import { runtimeVariables } from "../blind_environment/runtime_variables.ts";
import type { ProxyReady } from "./proxy_process.ts";

/** What leads the child through the proxy; its files are removed with its scope. */
export interface ChildNetwork extends AsyncDisposable {
  readonly variables: Readonly<Record<string, string>>;
}

/** @param kept The variables of the caller that the child keeps; those that ours replace are merged where they can be. */
export async function openChildNetwork(
  { port, user, password, caPem }: ProxyReady,
  kept: Readonly<Record<string, string>>,
): Promise<ChildNetwork> {
  const files = await writeCaFiles(caPem, (name) => Deno.env.get(name));
  const proxyUrl = `http://${user}:${password}@127.0.0.1:${port}`;
  return {
    variables: runtimeVariables({ ...files, proxyUrl, nodeOptions: kept.NODE_OPTIONS }),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}
