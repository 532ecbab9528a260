import { exportSPKI, generateKeyPair, SignJWT } from "jose";

/** What the callers of the benchmark are: one issuer, its key in the bundle. */
export class BenchIssuer {
  static readonly url = "https://auth.example.test";
  readonly publicPem: string;
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey, publicPem: string) {
    this.#key = key;
    this.publicPem = publicPem;
  }

  /** RS256 with 2,048 bits, what most issuers use. */
  static async create(): Promise<BenchIssuer> {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    return new BenchIssuer(privateKey, await exportSPKI(publicKey));
  }

  /** JWTs of as many callers, for an hour, about as long as those of a CI system. */
  async jwts(callers: number, each = 1): Promise<string[]> {
    const now = Math.floor(Date.now() / 1000);
    const sign = (index: number) =>
      new SignJWT({
        iss: BenchIssuer.url,
        aud: "keyzero",
        sub: `agent-${index % callers}`,
        jti: String(index),
        service_name: "agent",
        environment: "production",
        repository: "example-org/example-repository",
        team: `team-${LAST_POLICY}`,
        iat: now,
        exp: now + 3600,
      }).setProtectedHeader({ alg: "RS256", kid: "k1", typ: "JWT" }).sign(this.#key);
    return await Promise.all(Array.from({ length: callers * each }, (_, index) => sign(index)));
  }
}

/** The number in the name of the policy that lets everything of the benchmark through: the last of the longest list. */
export const LAST_POLICY = 9_999;

/** How rules look. */
export type RuleStyle =
  /** Over the caller's names and the ref: most rules. */
  | "names"
  /** Over claims, by methods of CEL: nothing about them can be known before they are evaluated. */
  | "claims";

/** One of many policies, of which only the last decides. */
export function policyRule(index: number, style: RuleStyle): string {
  const team = `team-${index}`;
  const environment = index % 3 === 0 && index !== LAST_POLICY ? "staging" : "production";
  return style === "names"
    ? `service == "agent" && env == "${environment}" && glob("${team}/**", ref)`
    : `claims.team == "${team}" && claims.repository.startsWith("example-org/") && ref.endsWith("/token")`;
}

export interface BundleOptions {
  readonly issuer: BenchIssuer;
  /** Policies before the one that decides. */
  readonly policies: number;
  readonly style?: RuleStyle;
  /** Where `localhost` is, over TLS; `upstream-ca.pem` beside the bundle is what it is trusted by. */
  readonly upstreamPort: number;
  /** Seconds. */
  readonly ttl?: number;
}

/** Refs that the last policy lets through are `team-9999/<anything>/token`; their value is `TOKEN` of `secrets.env`. */
export function benchBundle({ issuer, policies, style = "names", upstreamPort, ttl = 300 }: BundleOptions): string {
  const pem = issuer.publicPem.trim().split("\n").map((line) => `          ${line}`).join("\n");
  const numbers = [...Array.from({ length: policies - 1 }, (_, index) => index), LAST_POLICY];
  const list = numbers.map((index) =>
    `  - name: team-${index}-reads-its-own\n    effect: allow\n    rule: '${policyRule(index, style)}'`
  );
  return `version: "1"
issuers:
  - name: internal
    type: custom
    issuer_url: ${BenchIssuer.url}
    audience: keyzero
    map: { service: claims.service_name, env: claims.environment }
    static_keys:
      - kid: k1
        alg: RS256
        pem: |
${pem}
policies:
${list.join("\n")}
resources:
  - ref: team-${LAST_POLICY}/**
    resolver: local
    secret: secrets.env#TOKEN
    ttl: ${ttl}
    credential_location: header:Authorization:Bearer
    hosts: [localhost]
backends:
  local: { type: dotenv }
network:
  upstream_ca: upstream-ca.pem
  connect: { localhost: "127.0.0.1:${upstreamPort}" }
`;
}

/** The ref of one of many resources that the last policy lets through. */
export function benchRef(index: number): string {
  return `team-${LAST_POLICY}/service-${index}/token`;
}
