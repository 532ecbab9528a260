import { basic, type BlindClient, checkBlindClient } from "../blind_client.ts";

/** A program on this machine, or a library in it. */
export interface Program {
  readonly name: string;
  /** A command that writes the version. */
  readonly version: readonly string[];
  /** Finds the version in what is written; without a match the program is another one. */
  readonly pattern?: RegExp;
}

/** What a client does in a blind run; a row of docs/clients.md, and a test. */
export interface ListedClient {
  readonly program: Program;
  readonly what: string;
  /** `refused`: the client cannot be carried, and both it and the operator are told. */
  readonly outcome: "works" | "refused clearly";
  /** Starts the client, and throws if its outcome is another. */
  readonly run: () => Promise<void>;
}

const VERSION_REGEXP = /\d+(?:\.\d+)+/;
/** Where command lines are written for a POSIX shell. */
const POSIX = Deno.build.os !== "windows";

const versions = new Map<Program, string | undefined>();

/** The program's version; undefined if it is not installed. */
export function installedVersion(program: Program): string | undefined {
  if (!versions.has(program)) versions.set(program, POSIX ? askVersion(program) : undefined);
  return versions.get(program);
}

function askVersion({ version: [file, ...args], pattern = VERSION_REGEXP }: Program): string | undefined {
  try {
    const { success, stdout, stderr } = new Deno.Command(file!, { args, stdin: "null" }).outputSync();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return success ? pattern.exec(text)?.[0] : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A client that shows the echo of one request. */
export function echoed(program: Program, what: string, client: BlindClient): ListedClient {
  return { program, what, outcome: "works", run: () => checkBlindClient(client) };
}

/** As {@linkcode echoed}, with the value as the password of `user`. */
export function echoedBasic(program: Program, what: string, client: BlindClient): ListedClient {
  return echoed(program, what, { ...client, authorization: basic });
}

/** Makes a test of a client; where it is not installed, an ignored one. */
export function testListedClient({ program, what, outcome, run }: ListedClient): void {
  const name = `kz run --blind: ${program.name}, ${what}${outcome === "works" ? "" : ", is refused clearly"}`;
  Deno.test({ name, ignore: installedVersion(program) === undefined, fn: run });
}
