import { exportSPKI, generateKeyPair, SignJWT } from "jose";

/** An issuer of JWTs, with its key in the bundle. */
export class TestIssuer {
  static readonly url = "https://auth.example.test";
  readonly #privateKey: CryptoKey;
  /** `issuers:` of a bundle. */
  readonly yaml: string;

  constructor(privateKey: CryptoKey, publicPem: string) {
    this.#privateKey = privateKey;
    const pem = publicPem.trim().split("\n").map((line) => `            ${line}`).join("\n");
    this.yaml = `issuers:
  - name: internal
    type: custom
    issuer_url: ${TestIssuer.url}
    audience: keyzero
    map: { service: claims.service_name, env: claims.environment }
    static_keys:
      - kid: k1
        alg: RS256
        pem: |
${pem}
`;
  }

  static async create(): Promise<TestIssuer> {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    return new TestIssuer(privateKey, await exportSPKI(publicKey));
  }

  /** A JWT for an hour, of subject `agent-1` and service `agent`; `claims` override. */
  sign(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      iss: TestIssuer.url,
      aud: "keyzero",
      sub: "agent-1",
      service_name: "agent",
      iat: now,
      exp: now + 3600,
      ...claims,
    }).setProtectedHeader({ alg: "RS256", kid: "k1", typ: "JWT" }).sign(this.#privateKey);
  }
}
