import { okay } from "../../../../proxy/testing/lab.ts";
import { JWKS_URL, jwksIssuer } from "./issuers.ts";
import { openJwksLab } from "./jwks_lab.ts";

/** A text as it comes from a server over TLS by the JWKS worker. */
export async function publishedText(text: string): Promise<string> {
  await using lab = await openJwksLab({ issuers: [jwksIssuer()], respond: () => okay(text) });
  return await lab.fetch(JWKS_URL);
}
