// mockttp as a proxy that puts the value into the Authorization header, its cheapest way to swap. Prints its port.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

const { packageDir, upstreamCaFile, caFile, value } = JSON.parse(process.argv[2]);
const mockttp = createRequire(`${packageDir}/`)("mockttp");

const https = await mockttp.generateCACertificate();
writeFileSync(caFile, https.cert);
const server = mockttp.getLocal({ https, http2: false, recordTraffic: false, suggestChanges: false });
await server.forAnyRequest().thenPassThrough({
  additionalTrustedCAs: [{ certPath: upstreamCaFile }],
  transformRequest: { updateHeaders: { authorization: `Bearer ${value}` } },
});
await server.start();
console.log(server.port);
