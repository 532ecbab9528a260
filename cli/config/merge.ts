import { dirname, resolve } from "node:path";
import type { Host } from "../../policy/host.ts";
import type { HostGrant } from "../../policy/host_pattern.ts";
import type { ConnectionRule } from "../../policy/connection_rule.ts";
import { DEFAULT_PLACEMENTS } from "../../policy/placement.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import type { ServiceName } from "../../policy/service_name.ts";
import type { Service } from "../../policy/services.ts";
import type { Machine } from "../../providers/machine.ts";
import type { ProviderOptions } from "../../providers/options.ts";
import { type Composition, findCycles, namesIn } from "./composition.ts";
import type { ConnectTarget } from "./blind_fields.ts";
import type { Section } from "./document.ts";
import type { SecretEntry, SecretFields } from "./secret_fields.ts";
import { type Fault, faultOf } from "./field.ts";
import { isHarmlessKey, type KeyPath } from "./key_path.ts";
import { checkRef, providerOptions } from "./known_providers.ts";
import type { BlindSettings, Origin, SecretDeclaration } from "./model.ts";
import { nearestName } from "./nearest.ts";
import { type ConfigFile, lineOf, type Place, type Problem } from "./problem.ts";

/** A section and where it stands. */
export interface Layer {
  readonly file: ConfigFile;
  /** `[]`, or the environment's name. */
  readonly at: KeyPath;
  readonly section: Section;
}

export interface Merged {
  readonly secrets: ReadonlyMap<SecretName, SecretDeclaration>;
  readonly providers: ReadonlyMap<string, ProviderOptions>;
  readonly blind: BlindSettings;
  readonly problems: readonly Problem[];
}

/**
 * Lays sections over each other.
 *
 * A later layer overrides an earlier one key by key: a secret's `hosts` stay when only its `ref` is overridden, so that
 * an environment cannot widen by silence where a secret may go. Lists are replaced as wholes.
 *
 * @param layers What overrides comes last.
 * @param machine What a provider's check of a reference may know.
 * @param getService Called for the services that secrets of the layers name.
 */
export function mergeLayers(
  layers: readonly Layer[],
  { machine, getService }: { machine: Machine; getService: (name: ServiceName) => Service },
): Merged {
  const problems: Problem[] = [];
  const { secrets, known } = mergeSecrets(layers, (place, fault) => problems.push({ place, fault }));
  const providers = mergeProviders(layers);
  const declaring = { machine, getService, providers, problems };
  const checked = new Map([...secrets].map(([name, merged]) => [name, declare(name, merged, declaring)]));
  checkCompositions(secrets, known, problems);
  const declared = new Map<SecretName, SecretDeclaration>();
  for (const [name, declaration] of checked) if (declaration !== undefined) declared.set(name, declaration);
  return { secrets: declared, providers, blind: mergeBlind(layers), problems };
}

type MergedSecret =
  | { readonly kind: "composed"; readonly parts: Composition; readonly place: Place }
  | {
    readonly kind: "provided";
    readonly fields: SecretFields;
    readonly place: Place;
    /** Where `ref` stands, which may be in another file than the last word on the secret. */
    readonly refPlace: Place;
  };

function mergeSecrets(layers: readonly Layer[], report: (place: Place, fault: Fault) => void) {
  const secrets = new Map<SecretName, MergedSecret>();
  const faulty = new Set<SecretName>();
  for (const { file, at, section } of layers) {
    for (const [name, entry] of section.secrets ?? []) {
      const place: Place = { file, path: [...at, "secrets", name] };
      if (entry.kind === "faulty") faulty.add(name);
      else secrets.set(name, mergeSecret(secrets.get(name), entry, { place, report }));
    }
  }
  const known = new Set([...secrets.keys(), ...faulty]);
  for (const name of faulty) secrets.delete(name);
  return { secrets, known };
}

function mergeSecret(
  below: MergedSecret | undefined,
  entry: Exclude<SecretEntry, { kind: "faulty" }>,
  { place, report }: { place: Place; report: (place: Place, fault: Fault) => void },
): MergedSecret {
  if (entry.kind === "composed") return { ...entry, place };
  const refPlace: Place = { file: place.file, path: [...place.path, "ref"] };
  if (below?.kind !== "provided") return { ...entry, place, refPlace };
  const { fields } = entry;
  if (fields.provider !== undefined && fields.provider !== below.fields.provider && fields.ref === undefined) {
    report(place, { code: "CONFIG_KEY_MISSING", state: '"ref" is missing; another provider needs another reference' });
  }
  // Options are those of a provider: another one has others.
  const { options: _, ...others } = below.fields;
  const kept = fields.provider === undefined || fields.provider === below.fields.provider ? below.fields : others;
  const written = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return {
    kind: "provided",
    fields: { ...kept, ...written },
    place,
    refPlace: fields.ref === undefined ? below.refPlace : refPlace,
  };
}

function declare(
  name: SecretName,
  merged: MergedSecret,
  { machine, getService, providers, problems }: {
    machine: Machine;
    getService: (name: ServiceName) => Service;
    providers: ReadonlyMap<string, ProviderOptions>;
    problems: Problem[];
  },
): SecretDeclaration | undefined {
  const { place } = merged;
  const origin = async (): Promise<Origin> => ({ file: place.file.label, line: await lineOf(place) });
  if (merged.kind === "composed") return { kind: "composed", name, parts: merged.parts, origin };
  const { provider, ref, hosts, in: places, optional, expose, mask, shape, mints, refresh } = merged.fields;
  for (const [key, value] of [["provider", provider], ["ref", ref]] as const) {
    if (value !== undefined) continue;
    problems.push({ place, fault: { code: "CONFIG_KEY_MISSING", state: `"${key}" is missing`, hints: [EXAMPLE] } });
  }
  if (provider === undefined || ref === undefined) return undefined;
  try {
    checkRef(provider, ref, machine);
  } catch (error) {
    problems.push({ place: merged.refPlace, fault: faultOf(error) });
    return undefined;
  }
  const own = merged.fields.options === undefined ? undefined : providerOptions(provider).read(
    merged.fields.options.raw,
    [...place.path, "options"],
    (path, fault) => problems.push({ place: { file: place.file, path }, fault }),
  );
  const service = merged.fields.service === undefined ? undefined : getService(merged.fields.service);
  if (hosts === undefined && service?.ownHost !== undefined) {
    problems.push({ place, fault: missingHosts(service.ownHost) });
    return undefined;
  }
  return {
    kind: "provided",
    name,
    provider,
    ref,
    options: { ...providers.get(provider), ...own },
    hosts: hosts ?? service?.hosts,
    in: places ?? service?.in ?? DEFAULT_PLACEMENTS,
    optional: optional ?? false,
    expose: expose ?? true,
    mask: mask ?? { kind: "auto" },
    shape: shape ?? service?.shape,
    mints,
    mintedHosts: merged.fields.minted_hosts,
    refreshMs: refresh,
    origin,
  };
}

/** For a service that cannot say where its secrets may go. */
function missingHosts(ownHost: string): Fault {
  return {
    code: "CONFIG_KEY_MISSING",
    state: '"hosts" is missing; every customer of this service has a host of their own',
    hints: [`Write yours, for example hosts = ["${ownHost}"]`],
  };
}

const EXAMPLE = 'A secret is written like { provider = "keychain", ref = "github-pat" }';

function checkCompositions(
  secrets: ReadonlyMap<SecretName, MergedSecret>,
  known: ReadonlySet<SecretName>,
  problems: Problem[],
): void {
  const compositions = new Map<SecretName, Composition>();
  for (const [name, merged] of secrets) {
    if (merged.kind !== "composed") continue;
    compositions.set(name, merged.parts);
    for (const used of namesIn(merged.parts)) {
      if (known.has(used)) continue;
      // A name that nothing has may be a value in the wrong place, so it is not shown.
      const near = nearestName(used, known);
      const hints = [
        near === undefined ? "Each name in a composed secret is another entry of [secrets]" : `Did you mean "${near}"?`,
      ];
      problems.push({
        place: merged.place,
        fault: { code: "CONFIG_SECRET_UNKNOWN", state: "it names a secret that is not declared", hints },
      });
    }
  }
  for (const cycle of findCycles(compositions)) {
    const way = [...cycle, cycle[0]!].map((name) => isHarmlessKey(name) ? name : "…").join(" → ");
    const place = secrets.get(cycle[0]!)!.place;
    problems.push({ place, fault: { code: "CONFIG_COMPOSITION_INVALID", state: `it is composed of itself: ${way}` } });
  }
}

function mergeProviders(layers: readonly Layer[]): ReadonlyMap<string, ProviderOptions> {
  const result = new Map<string, ProviderOptions>();
  for (const { section } of layers) {
    for (const [name, options] of section.providers ?? []) result.set(name, { ...result.get(name), ...options });
  }
  return result;
}

function mergeBlind(layers: readonly Layer[]): BlindSettings {
  let connections: readonly ConnectionRule[] | undefined;
  let keepEnv: readonly string[] = [];
  let upstreamCa: readonly string[] = [];
  const connect = new Map<Host, ConnectTarget>();
  for (const { file, section: { blind } } of layers) {
    connections = blind?.connections ?? connections;
    keepEnv = blind?.keep_env ?? keepEnv;
    for (const [host, target] of blind?.connect ?? []) connect.set(host, target);
    upstreamCa = blind?.upstream_ca?.map((path) => resolve(dirname(file.path), path)) ?? upstreamCa;
  }
  return { connections, keepEnv, connect, upstreamCa };
}

/** Every host pattern with a wildcard that lets something through, with its place. */
export function* wildcards(layer: Layer): Generator<{ readonly suffix: Host; readonly place: Place }> {
  const place = (...path: KeyPath): Place => ({ file: layer.file, path: [...layer.at, ...path] });
  for (const [name, entry] of layer.section.secrets ?? []) {
    if (entry.kind !== "provided") continue;
    for (const key of ["hosts", "minted_hosts"] as const) {
      for (const [index, { pattern }] of (entry.fields[key] ?? ([] as readonly HostGrant[])).entries()) {
        if (pattern.kind === "suffix") yield { suffix: pattern.suffix, place: place("secrets", name, key, index) };
      }
    }
  }
  for (const { number, allow, host } of layer.section.blind?.connections ?? []) {
    if (!allow || host.kind !== "suffix") continue;
    yield { suffix: host.suffix, place: place("blind", "connections", number - 1, "host") };
  }
}
