import { AppError } from "../../../policy/error.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import { isGlob, parseRefPattern } from "../../../policy/server/resource_ref.ts";
import type { Machine } from "../../../providers/machine.ts";
import { findProvider } from "../../../providers/registry.ts";
import { type Fault, faultOf, isTable, type Report } from "../../config/field.ts";
import { checkRef } from "../../config/known_providers.ts";
import { isHarmlessKey, type KeyPath } from "../../config/key_path.ts";
import { nearestName } from "../../config/nearest.ts";
import { DEFAULT_SECRET } from "./resource_fields.ts";
import { parseSecretTemplate } from "./texts.ts";

/**
 * Checks what parts of a bundle say of each other.
 *
 * It looks at the document as it stands and not at what was read of it, so that a fault in one entry does not hide those
 * of others. What is of a wrong type is passed over: its own field reports it.
 */
export function checkReferences(document: unknown, machine: Machine, report: Report): void {
  const [issuers, policies, resources] = ["issuers", "policies", "resources"].map((key) => entriesOf(document, key));
  const unique = (entries: readonly Entry[], key: string, fault: Fault) => {
    for (const at of repeated(entries, key)) report(at, fault);
  };
  unique(issuers!, "name", { code: "BUNDLE_ISSUER_INVALID", state: "another issuer has this name" });
  unique(issuers!, "issuer_url", { code: "BUNDLE_ISSUER_INVALID", state: "another issuer has this issuer_url" });
  unique(policies!, "name", { code: "CONFIG_NAME_INVALID", state: "another policy has this name" });
  unique(resources!, "ref", { code: "RESOURCE_REF_INVALID", state: "another resource has this ref" });
  for (const issuer of issuers!) checkKeyIds(issuer, report);
  checkResolvers(document, { resources: resources!, machine }, report);
  checkStatePassword(document, machine, report);
}

interface Entry {
  readonly at: KeyPath;
  readonly value: Readonly<Record<string, unknown>>;
}

function entriesOf(table: unknown, key: string, at: KeyPath = []): readonly Entry[] {
  const list = isTable(table) ? table[key] : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((value: unknown, index) => isTable(value) ? [{ at: [...at, key, index], value }] : []);
}

/** Where a text stands that an earlier entry has under the same key. */
function* repeated(entries: readonly Entry[], key: string): Generator<KeyPath> {
  const seen = new Set<string>();
  for (const { at, value } of entries) {
    const text = value[key];
    if (typeof text !== "string") continue;
    if (seen.has(text)) yield [...at, key];
    seen.add(text);
  }
}

/** One of several keys that had no id would be tried for every token. */
function checkKeyIds({ at, value }: Entry, report: Report): void {
  const seen = new Set<unknown>();
  const keys = entriesOf(value, "static_keys", at);
  for (const key of keys) {
    const inner = isTable(key.value["jwk"]) ? key.value["jwk"]["kid"] : undefined;
    const kid = key.value["kid"] ?? inner;
    if (kid === undefined && keys.length > 1) {
      report(key.at, { code: "BUNDLE_KEY_INVALID", state: '"kid" is missing, which tells several keys apart' });
    }
    if (kid !== undefined && seen.has(kid)) {
      report(key.at, { code: "BUNDLE_KEY_INVALID", state: "another key of this issuer has this kid" });
    }
    seen.add(kid);
  }
}

function checkResolvers(
  document: unknown,
  { resources, machine }: { resources: readonly Entry[]; machine: Machine },
  report: Report,
): void {
  const backends = backendsOf(document);
  for (const { at, value } of resources) {
    const { resolver } = value;
    if (typeof resolver !== "string") continue;
    if (!Object.hasOwn(backends, resolver)) {
      report([...at, "resolver"], unknownBackend(resolver, backends));
      continue;
    }
    const fault = refFault(value, { backend: Reflect.get(backends, resolver), machine });
    if (fault !== undefined) report([...at, Object.hasOwn(value, "secret") ? "secret" : "ref"], fault);
  }
}

/** The password of Redis is read once, when the server starts: what cannot be its ref is told before. */
function checkStatePassword(document: unknown, machine: Machine, report: Report): void {
  const state = isTable(document) ? document["state"] : undefined;
  const password = isTable(state) ? state["password"] : undefined;
  if (!isTable(password)) return;
  const { backend: name, secret } = password;
  if (typeof name !== "string") return;
  const backends = backendsOf(document);
  if (!Object.hasOwn(backends, name)) {
    report(["state", "password", "backend"], unknownBackend(name, backends));
    return;
  }
  const backend: unknown = Reflect.get(backends, name);
  const type = isTable(backend) ? backend["type"] : undefined;
  const provider = typeof type === "string" ? findProvider(type) : undefined;
  if (provider === undefined || typeof secret !== "string") return;
  try {
    checkRef(provider.name, parseSecretRef(secret), machine);
  } catch (error) {
    report(["state", "password", "secret"], faultOf(error));
  }
}

function backendsOf(document: unknown): Readonly<Record<string, unknown>> {
  return isTable(document) && isTable(document["backends"]) ? document["backends"] : {};
}

function unknownBackend(name: string, backends: Readonly<Record<string, unknown>>): Fault {
  // Shown in hints, so that none of them may look like a secret.
  const names = Object.keys(backends).filter(isHarmlessKey);
  const near = nearestName(name, names);
  return {
    code: "BUNDLE_REFERENCE_UNKNOWN",
    state: "no backend has this name",
    hints: [near === undefined ? `The backends are: ${names.join(", ") || "none"}` : `Did you mean "${near}"?`],
  };
}

/** Why the backend cannot have the secret of this resource, as far as that can be told without asking it. */
function refFault(
  resource: Readonly<Record<string, unknown>>,
  { backend, machine }: { backend: unknown; machine: Machine },
): Fault | undefined {
  const type = isTable(backend) ? backend["type"] : undefined;
  const provider = typeof type === "string" ? findProvider(type) : undefined;
  const { ref, secret = DEFAULT_SECRET } = resource;
  if (provider === undefined || typeof ref !== "string" || typeof secret !== "string") return undefined;
  try {
    // Which refs a glob will stand for is not known yet.
    if (isGlob(parseRefPattern(ref)) && secret.includes(DEFAULT_SECRET)) return undefined;
    parseSecretTemplate(secret);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
  try {
    checkRef(provider.name, parseSecretRef(secret.replaceAll(DEFAULT_SECRET, () => ref)), machine);
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}
