import { join } from "node:path";
import preload from "./node_preload.cjs" with { type: "text" };

/** Files of one run that the child reads; all of it is public. */
export interface CaFiles extends AsyncDisposable {
  readonly caFile: string;
  readonly bundleFile: string;
  readonly preloadFile: string;
}

const SYSTEM_BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** Writes the run's CA certificate, a bundle with the system's roots and the Node preload into a new folder. */
export async function writeCaFiles(caPem: string, getEnv: (name: string) => string | undefined): Promise<CaFiles> {
  const folder = await Deno.makeTempDir({ prefix: "kz-" });
  await Deno.chmod(folder, 0o700).catch(() => {});
  const files = {
    caFile: join(folder, "ca.pem"),
    bundleFile: join(folder, "bundle.pem"),
    preloadFile: join(folder, "node_preload.cjs"),
  };
  await Promise.all([
    Deno.writeTextFile(files.caFile, caPem),
    systemRoots(getEnv).then((roots) => Deno.writeTextFile(files.bundleFile, `${roots}\n${caPem}`)),
    Deno.writeTextFile(files.preloadFile, preload),
  ]);
  return { ...files, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function systemRoots(getEnv: (name: string) => string | undefined): Promise<string> {
  for (const file of [getEnv("SSL_CERT_FILE"), ...SYSTEM_BUNDLES]) {
    if (file === undefined) continue;
    try {
      return await Deno.readTextFile(file);
    } catch {
      // The next place.
    }
  }
  const { rootCertificates } = await import("node:tls");
  return rootCertificates.join("\n");
}
