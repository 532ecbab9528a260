import { parseHost } from "../../../../policy/host.ts";
import type { Issuer, Network } from "../../../../policy/server/bundle.ts";
import { PortCaller } from "../../../../proxy/port_calls.ts";
import type { JwksRequest } from "../../../../proxy/jwks/protocol.ts";
import { RawUpstream } from "../../../../proxy/testing/raw_upstream.ts";
import { CertificateAuthority } from "../../../../proxy/tls/certificate_authority.ts";
import { JwksProcess } from "../jwks_process.ts";

export interface JwksLabOptions {
  readonly issuers: readonly Issuer[];
  /** What the host answers, as bytes. */
  readonly respond: (request: string, conn: Deno.Conn) => string | Promise<string>;
  /** The name on its certificate; the default is the name that is asked for. */
  readonly certificateFor?: string;
  /** False leaves the host's CA out of the trusted ones. */
  readonly trusted?: boolean;
  /** False: no name is led to the host. */
  readonly connect?: boolean;
}

/** A JWKS worker with its real permissions, before a real server that plays `issuer.test`. */
export interface JwksLab extends AsyncDisposable {
  readonly host: RawUpstream;
  readonly network: Network;
  fetch(url: string): Promise<string>;
}

export async function openJwksLab(options: JwksLabOptions): Promise<JwksLab> {
  const stack = new AsyncDisposableStack();
  const authority = await CertificateAuthority.create({ now: new Date() });
  const certificate = await authority.issue(parseHost(options.certificateFor ?? "issuer.test"));
  const host = stack.use(new RawUpstream(certificate, options.respond));
  const network: Network = {
    connect: options.connect === false
      ? new Map()
      : new Map([[parseHost("issuer.test"), { hostname: "127.0.0.1", port: host.port }]]),
    upstreamCa: options.trusted === false ? [] : [authority.certificatePem],
  };
  const { port1, port2 } = new MessageChannel();
  const calls = stack.use(new PortCaller<JwksRequest, string>(port1));
  stack.use(new JwksProcess({ issuers: options.issuers, network })).start(port2);
  const owned = stack.move();
  return {
    host,
    network,
    fetch: (url) => calls.call({ url }),
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      // Lets the connections that were closed finish their last turn.
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}
