import { join } from "node:path";
// As text, so that it is inside the executable.
import preload from "./node_preload.cjs" with { type: "text" };

export interface CaFilesOptions {
  /** Our CA's certificate, PEM. */
  readonly caPem: string;
  /** The caller's variables: `SSL_CERT_FILE`, `PATH` and `JAVA_HOME` are read. */
  readonly caller: Readonly<Record<string, string>>;
}

/** Where Debian, Fedora, openSUSE, Alpine, macOS and FreeBSD keep the system's roots in one PEM file. */
const ROOT_FILES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

/** Certificates only: a file that someone named may hold a key as well, which is not to be copied. */
const CERTIFICATE_REGEXP = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g;

/**
 * The public files of one run, in a directory of their own that only its user can enter and that ends with its scope.
 *
 * No key and no credential is in any of them. The child may change them; it then fools itself alone.
 */
export class CaFiles implements AsyncDisposable {
  readonly #directory: string;
  /** Absent where there is no Java. */
  readonly trustStoreFile: string | undefined;

  private constructor(directory: string, hasTrustStore: boolean) {
    this.#directory = directory;
    this.trustStoreFile = hasTrustStore ? join(directory, "trust_store.p12") : undefined;
  }

  /** Our CA alone, PEM. */
  get caFile(): string {
    return join(this.#directory, "ca.pem");
  }

  /** The system's roots and our CA, PEM. */
  get caBundleFile(): string {
    return join(this.#directory, "ca_bundle.pem");
  }

  get preloadFile(): string {
    return join(this.#directory, "node_preload.cjs");
  }

  get wgetrcFile(): string {
    return join(this.#directory, "wgetrc");
  }

  /** Writes the files. What the system throws (a full disk, say) passes through, and nothing stays behind. */
  static async create(options: CaFilesOptions): Promise<CaFiles> {
    const [roots, hasJava] = await Promise.all([
      systemRoots(options.caller["SSL_CERT_FILE"]),
      findsJava(options.caller),
    ]);
    // Mode 0700.
    const files = new CaFiles(await Deno.makeTempDir({ prefix: "kz-" }), hasJava);
    try {
      const certificates = [...roots, options.caPem.trim()];
      await Promise.all([
        Deno.writeTextFile(files.caFile, options.caPem),
        Deno.writeTextFile(files.caBundleFile, certificates.join("\n") + "\n"),
        Deno.writeTextFile(files.preloadFile, preload),
        Deno.writeTextFile(files.wgetrcFile, `ca_certificate = ${files.caBundleFile}\n`),
        files.trustStoreFile !== undefined && writeTrustStore(files.trustStoreFile, certificates),
      ]);
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
    return files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true }).catch((error: unknown) => {
      // The child may have removed it.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** The first place that holds certificates wins; without any, the roots that come with the runtime. */
async function systemRoots(named: string | undefined): Promise<readonly string[]> {
  for (const path of named === undefined ? ROOT_FILES : [named, ...ROOT_FILES]) {
    const text = await Deno.readTextFile(path).catch(() => "");
    const certificates = text.match(CERTIFICATE_REGEXP);
    if (certificates !== null) return certificates;
  }
  return (await import("node:tls")).rootCertificates;
}

async function findsJava(caller: Readonly<Record<string, string>>): Promise<boolean> {
  if (caller["JAVA_HOME"] !== undefined) return true;
  const windows = Deno.build.os === "windows";
  const directories = (caller["PATH"] ?? caller["Path"] ?? "").split(windows ? ";" : ":").filter((path) => path !== "");
  const found = directories.map((path) => Deno.stat(join(path, windows ? "java.exe" : "java")));
  return (await Promise.allSettled(found)).some((result) => result.status === "fulfilled" && result.value.isFile);
}

async function writeTrustStore(path: string, certificates: readonly string[]): Promise<void> {
  const [{ makeTrustStore }, { Buffer }] = await Promise.all([import("./trust_store.ts"), import("node:buffer")]);
  const bytes = certificates.map((pem) => Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64"));
  await Deno.writeFile(path, makeTrustStore(bytes));
}
