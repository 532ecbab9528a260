/** Often enough to see a peak of a stream of seconds, seldom enough to cost nothing. */
const INTERVAL_MS = 50;

/** The resident set of a process in MiB; undefined when it is gone. */
export async function residentMiB(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return await residentByPs(pid);
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function residentByPs(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
    const kibibytes = Number(new TextDecoder().decode(stdout));
    return kibibytes > 0 ? kibibytes / 1024 : undefined;
  } catch (error) {
    // No such program, as on Windows.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Watches the resident set of a process from its making to its disposal. */
export class ResidentWatch implements Disposable {
  readonly #pid: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #baseline: number | undefined;
  #peak: number | undefined;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => void this.#sample(), INTERVAL_MS);
  }

  /** Everything is warm: growth counts from here. */
  async markBaseline(): Promise<void> {
    this.#baseline = await residentMiB(this.#pid);
  }

  get peakMiB(): number | undefined {
    return this.#peak;
  }

  /** Peak less baseline; undefined if either is not known. */
  get growthMiB(): number | undefined {
    return this.#peak === undefined || this.#baseline === undefined ? undefined : this.#peak - this.#baseline;
  }

  async #sample(): Promise<void> {
    const now = await residentMiB(this.#pid);
    if (now !== undefined) this.#peak = Math.max(now, this.#peak ?? 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
