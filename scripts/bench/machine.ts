import { cpus } from "node:os";

/** What the numbers were taken on. No name of the machine, no path. */
export interface Machine {
  readonly os: string;
  readonly arch: string;
  readonly processors: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly deno: string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    arch: Deno.build.arch,
    processors: processors.length,
    processor: processors[0]?.model.trim() ?? "unknown",
    memoryGiB: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    deno: Deno.version.deno,
  };
}
