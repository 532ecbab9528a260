import { CaFiles } from "../ca_files.ts";
import { inheritedEnvironment } from "../inherited.ts";
import { runtimeVariables } from "../runtime_variables.ts";
import { startTestProxy, type TestProxy } from "./test_proxy.ts";

/** A program that hangs has failed; Go compiles its standard library the first time, which is slow. */
const MAX_RUN_MS = 180_000;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A proxy, and programs that get what a blind child gets and nothing else. */
export interface BlindChildren extends AsyncDisposable {
  readonly proxy: TestProxy;
  readonly environment: Readonly<Record<string, string>>;
  run(program: string, args: readonly string[], options?: { cwd?: string }): Promise<Ended>;
}

export async function startBlindChildren(options: { nodeOptions?: string } = {}): Promise<BlindChildren> {
  await using scope = new AsyncDisposableStack();
  const proxy = scope.use(await startTestProxy());
  const caller = Deno.env.toObject();
  const files = scope.use(await CaFiles.create({ caPem: proxy.caPem, caller }));
  const environment = {
    ...inheritedEnvironment(caller, [], { mode: "blind", caseSensitive: true }).passed,
    ...runtimeVariables({
      proxyUrl: proxy.url,
      caFile: files.caFile,
      caBundleFile: files.caBundleFile,
      preloadFile: files.preloadFile,
      wgetrcFile: files.wgetrcFile,
      trustStoreFile: files.trustStoreFile,
      nodeOptions: options.nodeOptions,
    }),
  };
  const owned = scope.move();
  return {
    proxy,
    environment,
    async run(program, args, options = {}) {
      const limit = new AbortController();
      const timer = setTimeout(() => limit.abort(), MAX_RUN_MS);
      const { code, stdout, stderr } = await new Deno.Command(program, {
        args: [...args],
        clearEnv: true,
        env: environment,
        stdin: "null",
        signal: limit.signal,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      }).output();
      clearTimeout(timer);
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whether a program can be started here; for `ignore`. */
export function canRun(program: string, args: readonly string[] = ["--version"]): boolean {
  try {
    return new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
