import type { TestIssuer } from "./test_issuer.ts";
import type { TlsUpstream } from "./tls_upstream.ts";

/** The file that the backend `gh` reads, and what is in it: for `files` of a project, beside `upstream-ca.pem`. */
export function githubFiles(value: string, upstream: TlsUpstream): Record<string, string> {
  return { "secrets.env": `GITHUB_PAT=${value}\n`, "upstream-ca.pem": upstream.caPem };
}

/** The bundle of the founding scenario: an agent may use `github/pat` with api.github.com, which is played by `upstream`. */
export function githubBundle(issuer: TestIssuer, upstream: TlsUpstream, more = ""): string {
  return `version: "1"
${issuer.yaml}
policies:
  - name: agent-reads-github
    effect: allow
    rule: service == "agent" && glob("github/**", ref)
resources:
  - ref: github/pat
    resolver: gh
    secret: secrets.env#GITHUB_PAT
    credential_location: header:Authorization:Bearer
    hosts: [api.github.com]
  - ref: github/direct
    resolver: gh
    secret: secrets.env#GITHUB_PAT
    mode: direct
backends:
  gh: { type: dotenv }
network:
  upstream_ca: upstream-ca.pem
  connect: { api.github.com: "127.0.0.1:${upstream.port}" }
${more}`;
}
