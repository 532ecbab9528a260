import { AppError } from "../../policy/error.ts";
import { makeMaskedToken, TOKEN_RANDOM_BYTES } from "../../policy/masked_token.ts";
import { makeShapedToken } from "../../policy/token_shape.ts";
import { runChild } from "../child/run_child.ts";
import { lateHint } from "../child/late_hint.ts";
import { inheritedEnvironment } from "../blind_environment/inherited.ts";
import type { RunOptions } from "../commands/run.ts";
import type { KzConfig, ProvidedSecret } from "../config/model.ts";
import { callerEnvironment } from "../run/caller_environment.ts";
import { composeVariables } from "../run/compose.ts";
import { fillPlaceholders } from "../run/placeholders.ts";
import { resolveSelected } from "../run/resolve_selected.ts";
import { selectSecrets } from "../run/select_secrets.ts";
import { writeStderr } from "../terminal/write.ts";
import { openChildNetwork } from "./child_network.ts";
import { ProxyProcess, type ProxyReady } from "./proxy_process.ts";
import { readRoots } from "./read_roots.ts";
import { renewedValues, type ServerUse, serverUse } from "./server_values.ts";
import { SecretRefresher } from "./secret_refresher.ts";

/**
 * Runs a program that holds masked tokens. The values go from the resolver workers to the proxy worker; this isolate
 * never receives one, and gives its own access to the network up before the program starts.
 */
export async function runBlind(options: RunOptions, config: KzConfig): Promise<number> {
  const [command = "", ...args] = options.command;
  const { exposed, provided } = selectSecrets(config, options.only);
  const caller = callerEnvironment();
  const { passed, withheld } = inheritedEnvironment(caller, [...options.keepEnv, ...config.blind.keepEnv], {
    mode: "blind",
    caseSensitive: Deno.build.os !== "windows",
  });
  const warn = (line: string) => writeStderr(`${line}\n`);
  const server = serverUse(provided, config);
  using proxy = new ProxyProcess({ ...config.blind, server: server?.host }, warn);
  const { ready, lives } = await startProxy(proxy, {
    config,
    provided,
    server,
    variables: caller,
    args: options.command,
  });
  using refresher = new SecretRefresher(renewedValues(provided, lives, server), config, (port) => proxy.renew(port));
  proxy.onUnauthorized = (secrets) => refresher.onUnauthorized(secrets);
  Deno.permissions.revokeSync({ name: "net" });
  if (ready.revealingArgs) {
    throw new AppError("USAGE_ARGUMENT_PUBLIC", "Cannot start child: an argument holds a secret value", {
      hints: ["Write {{NAME}} in its place, with the secret's name"],
    });
  }
  if (ready.unscrubbed.length > 0) {
    warn(`warning: too short to be searched for in responses (under 8 bytes): ${ready.unscrubbed.join(", ")}`);
  }
  for (const line of environmentWarnings(provided.filter(({ name }) => ready.masked.has(name)))) warn(line);
  const variables = composeVariables(exposed, { config, texts: ready.masked });
  const arguments_ = fillPlaceholders(args, { config, variables });
  // A caller's variable that holds a value is never passed, whatever is kept.
  for (const name of ready.revealing) {
    delete passed[name];
    delete caller[name];
  }
  await using network = await openChildNetwork(ready, caller);
  const taken = Object.keys(variables).filter((name) => Object.hasOwn(network.variables, name));
  if (taken.length > 0) {
    warn(`warning: not passed, since a blind run sets the variable itself: ${taken.join(", ")}`);
  }
  const end = await runChild({
    command,
    args: arguments_,
    environment: { ...passed, ...variables, ...network.variables },
    warn,
  });
  const missed = [...new Set([...withheld, ...ready.revealing])].filter((name) => !Object.hasOwn(variables, name));
  const hint = lateHint(missed, end);
  if (hint !== undefined) warn(`hint: ${hint}`);
  return end.status;
}

/** What the program can read of our own environment, in /proc, whatever it is given itself (TM-26). */
function environmentWarnings(provided: readonly ProvidedSecret[]): string[] {
  if (Deno.build.os !== "linux") return [];
  const fromEnvironment = provided.filter(({ provider }) => provider === "env").map(({ name }) => name);
  const lines: string[] = [];
  if (fromEnvironment.length > 0) {
    lines.push(
      `warning: the program can read the environment of kz, where the value is, of: ${fromEnvironment.join(", ")}; ` +
        "another provider hides it",
    );
  }
  if (provided.some(({ provider }) => provider === "store") && Deno.env.get("KEYZERO_PASSPHRASE")) {
    lines.push("warning: the program can read the environment of kz, where KEYZERO_PASSPHRASE is; it opens the store");
  }
  return lines;
}

/** Resolves the secrets while the proxy makes itself ready, and puts both together. */
async function startProxy(
  proxy: ProxyProcess,
  { config, provided, server, variables, args }: {
    config: KzConfig;
    provided: readonly ProvidedSecret[];
    server: ServerUse | undefined;
    variables: Readonly<Record<string, string>>;
    args: readonly string[];
  },
): Promise<{ ready: ProxyReady; lives: ReadonlyMap<string, number> }> {
  const upstreamCa = await readRoots(config.blind.upstreamCa);
  using outcome = await resolveSelected(provided, config, server === undefined ? [] : [server.proxy]);
  const found = new Set<string>(outcome.found);
  const ready = await proxy.serve({
    secrets: provided.filter(({ name }) => found.has(name)).map(({ in: places, shape, ...secret }) => ({
      name: secret.name,
      ref: secret.ref,
      hosts: secret.hosts,
      in: places,
      mask: secret.mask,
      mints: secret.mints,
      mintedHosts: secret.mintedHosts,
      token: shape === undefined
        ? makeMaskedToken(randomBytes(TOKEN_RANDOM_BYTES))
        : makeShapedToken(shape, randomBytes),
    })),
    valuePorts: outcome.valuePorts,
    serverProxy: server !== undefined,
    rules: config.blind.connections,
    connect: config.blind.connect,
    upstreamCa,
    variables,
    args,
  });
  return { ready, lives: outcome.lives };
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
