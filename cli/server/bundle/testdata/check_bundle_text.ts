import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import type { BundleWarning } from "../bundle_warnings.ts";
import { type BundleCheck, checkBundle } from "../check_bundle.ts";

/** Checks a bundle with this text, and with these files beside it. Temporary: files are gone afterwards. */
export async function checkText(
  text: string,
  { files = {}, env = {} }: { files?: Record<string, string | Uint8Array>; env?: Record<string, string> } = {},
): Promise<Omit<BundleCheck, "findWarnings"> & { readonly warnings: readonly BundleWarning[] }> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [name, content] of Object.entries({ "bundle.yaml": text, ...files })) {
      await Deno.writeFile(join(root, name), typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
    const { findWarnings, ...check } = await checkBundle("bundle.yaml", { cwd: root, getEnv: (name) => env[name] });
    return { ...check, warnings: await findWarnings() };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

type Override = Readonly<Record<string, string | undefined>>;

const ISSUER = {
  name: "internal",
  type: "custom",
  issuer_url: "https://a.example",
  audience: "keyzero",
  jwks_url: "https://a.example/jwks",
};
const POLICY = { name: "p", effect: "allow", rule: 'claims.team == "agents"' };
const RESOURCE = { ref: "github/pat", resolver: "gh", hosts: "[api.github.com]" };

/** Three sections, of which the one that a test is about stands first, so that its lines are known. */
const SECTIONS = {
  version: 'version: "1"',
  issuers: `issuers:\n${entry(ISSUER)}`,
  policies: `policies:\n${entry(POLICY)}`,
  resources: `resources:\n${entry({ ...RESOURCE, secret: "TOKEN" })}`,
  backends: "backends:\n  gh: { type: env }",
};

/** A bundle in which one section is `text`, from line 1 on; the others are good ones, and follow. */
export function withSection(section: string, text: string): string {
  const rest = Object.entries({ ...SECTIONS, [section]: "" }).map(([, other]) => other).filter((other) => other !== "");
  return `${[text, ...rest].join("\n")}\n`;
}

/** `key: value` in lines of their own, the first after a dash; a key that is undefined is left out. */
function entry(base: Override, override: Override = {}): string {
  const lines = Object.entries({ ...base, ...override }).filter(([, value]) => value !== undefined);
  return lines.map(([key, value], index) => `${index === 0 ? "  - " : "    "}${key}: ${value}`).join("\n");
}

/** Line 1 `issuers:`, 2 `name`, 3 `type`, 4 `issuer_url`, 5 `audience`, 6 `jwks_url`, then what is new. */
export function issuers(...overrides: Override[]): string {
  return withSection("issuers", ["issuers:", ...overrides.map((override) => entry(ISSUER, override))].join("\n"));
}
/** Line 6 on: `static_keys` in place of `jwks_url`, one key a line from 7 on. */
export function keys(...texts: string[]): string {
  return issuers({ jwks_url: undefined, static_keys: texts.map((text) => `\n      - ${text}`).join("") });
}
/** Line 1 `policies:`, 2 `name`, 3 `effect`, 4 `rule`. */
export function policies(...overrides: Override[]): string {
  return withSection("policies", ["policies:", ...overrides.map((override) => entry(POLICY, override))].join("\n"));
}
/** Line 1 `resources:`, 2 `ref`, 3 `resolver`, 4 `hosts`, then what is new. */
export function resources(...overrides: Override[]): string {
  return withSection("resources", ["resources:", ...overrides.map((override) => entry(RESOURCE, override))].join("\n"));
}

interface KeyTexts {
  /** On one line, quoted as YAML takes it. */
  readonly publicPem: string;
  readonly privatePem: string;
  readonly publicJwk: string;
  readonly privateJwk: string;
}

function textsOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): KeyTexts {
  return {
    publicPem: JSON.stringify(publicKey.export({ type: "spki", format: "pem" })),
    privatePem: JSON.stringify(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicJwk: JSON.stringify(publicKey.export({ format: "jwk" })),
    privateJwk: JSON.stringify(privateKey.export({ format: "jwk" })),
  };
}

/** Keys of every kind that matters, made anew for each run. */
export const KEYS = {
  rsa: textsOf(generateKeyPairSync("rsa", { modulusLength: 2048 })),
  shortRsa: textsOf(generateKeyPairSync("rsa", { modulusLength: 1024 })),
  p256: textsOf(generateKeyPairSync("ec", { namedCurve: "P-256" })),
  p384: textsOf(generateKeyPairSync("ec", { namedCurve: "P-384" })),
  ed25519: textsOf(generateKeyPairSync("ed25519", {})),
};
