import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { dirname, join } from "node:path";
import { rootCertificates } from "node:tls";
import { CertificateAuthority } from "../../proxy/tls/certificate_authority.ts";
import { CaFiles } from "./ca_files.ts";
import { canRun } from "./testdata/blind_child.ts";

const CERTIFICATE_REGEXP = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const CANARY = "canaryPrivateKeyMaterial";

async function temporary(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("CaFiles.create() writes our CA alone, and behind the roots that the caller names", async () => {
  await using directory = await temporary();
  const [ours, theirs] = await Promise.all([1, 2].map(() => CertificateAuthority.create({ now: new Date() })));
  const named = join(directory.path, "roots.pem");
  const key = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`;
  await Deno.writeTextFile(named, `# comment\n${key}${theirs!.certificatePem}`);

  await using files = await CaFiles.create({ caPem: ours!.certificatePem, caller: { SSL_CERT_FILE: named } });
  assert.equal(await Deno.readTextFile(files.caFile), ours!.certificatePem);
  assert.equal(await Deno.readTextFile(files.caBundleFile), theirs!.certificatePem + ours!.certificatePem);
  assert.equal(await Deno.readTextFile(files.wgetrcFile), `ca_certificate = ${files.caBundleFile}\n`);
  assert.match(await Deno.readTextFile(files.preloadFile), /tls\.connect/);
});

/** Why; what stands in the file that `SSL_CERT_FILE` names, if it is there. */
const FALLBACK_ROWS: readonly [string, string | undefined][] = [
  ["is not there", undefined],
  ["is empty", ""],
  ["holds no certificate", CANARY],
];

for (const [why, text] of FALLBACK_ROWS) {
  Deno.test(`CaFiles.create() takes the system's roots when the named file ${why}`, async () => {
    await using directory = await temporary();
    const named = join(directory.path, "roots.pem");
    if (text !== undefined) await Deno.writeTextFile(named, text);
    const { certificatePem } = await CertificateAuthority.create({ now: new Date() });
    await using files = await CaFiles.create({ caPem: certificatePem, caller: { SSL_CERT_FILE: named } });
    const bundle = await Deno.readTextFile(files.caBundleFile);
    const certificates = bundle.match(CERTIFICATE_REGEXP) ?? [];
    assert.ok(certificates.length > 50, `${certificates.length} certificates`);
    assert.equal(certificates.at(-1), certificatePem.trim());
    assert.ok(!bundle.includes(CANARY));
  });
}

Deno.test({
  name: "CaFiles.create() lets nobody else in, writes no key, and removes everything with its scope",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { certificatePem } = await CertificateAuthority.create({ now: new Date() });
    const files = await CaFiles.create({ caPem: certificatePem, caller: { JAVA_HOME: "/nowhere" } });
    const directory = dirname(files.caFile);
    assert.equal((await Deno.stat(directory)).mode! & 0o777, 0o700);
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) {
      names.push(name);
      assert.ok(!(await Deno.readTextFile(join(directory, name))).includes("PRIVATE KEY"), name);
    }
    assert.deepEqual(names.sort(), ["ca.pem", "ca_bundle.pem", "node_preload.cjs", "trust_store.p12", "wgetrc"]);
    await files[Symbol.asyncDispose]();
    await assert.rejects(Deno.stat(directory), Deno.errors.NotFound);
    // The child may have been faster.
    await files[Symbol.asyncDispose]();
  },
});

Deno.test("CaFiles.create() makes a trust store only where there is a Java", async () => {
  await using directory = await temporary();
  const { certificatePem } = await CertificateAuthority.create({ now: new Date() });
  await using without = await CaFiles.create({ caPem: certificatePem, caller: { PATH: directory.path } });
  assert.equal(without.trustStoreFile, undefined);
  await Deno.writeTextFile(join(directory.path, Deno.build.os === "windows" ? "java.exe" : "java"), "");
  await using found = await CaFiles.create({ caPem: certificatePem, caller: { PATH: directory.path } });
  assert.notEqual(found.trustStoreFile, undefined);
});

Deno.test({
  name: "makeTrustStore() is read by keytool: every certificate, as trusted",
  ignore: !canRun("keytool", ["-help"]),
  async fn() {
    await using directory = await temporary();
    const { certificatePem } = await CertificateAuthority.create({ now: new Date() });
    const roots = join(directory.path, "roots.pem");
    await Deno.writeTextFile(roots, rootCertificates.slice(0, 3).join("\n"));
    await using files = await CaFiles.create({
      caPem: certificatePem,
      caller: { SSL_CERT_FILE: roots, JAVA_HOME: "/nowhere" },
    });
    const { stdout } = await new Deno.Command("keytool", {
      args: ["-list", "-rfc", "-storetype", "PKCS12", "-storepass", "", "-keystore", files.trustStoreFile!],
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(text.match(/trustedCertEntry/g)?.length, 4);
    const listed = (text.match(CERTIFICATE_REGEXP) ?? []).map((pem) => new X509Certificate(pem).fingerprint256);
    assert.ok(listed.includes(new X509Certificate(certificatePem).fingerprint256));
  },
});
