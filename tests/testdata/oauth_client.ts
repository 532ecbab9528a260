/** A program that gets its tokens from a token endpoint, as any program does, and prints all that it sees. Run by Node, bundled. */
import * as oauth from "oauth4webapi";
import process from "node:process";

const issuer = "https://api.test";
const server = { issuer, token_endpoint: `${issuer}/token` };
const client = { client_id: "agent" };
const authentication = oauth.ClientSecretPost(process.env.CLIENT_SECRET!);

const seen: string[] = [];
const systemFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await systemFetch(...request);
  const body = await response.clone().text();
  seen.push(`${response.status} ${JSON.stringify(Object.fromEntries(response.headers))} ${body}`);
  return response;
};
const whoAmI = async (token: string) => {
  const url = new URL(`${issuer}/me`);
  return await (await oauth.protectedResourceRequest(token, "GET", url)).json();
};

const granted = await oauth.processClientCredentialsResponse(
  server,
  client,
  await oauth.clientCredentialsGrantRequest(server, client, authentication, { scope: "read" }),
);
const first = await whoAmI(granted.access_token);
const renewed = await oauth.processRefreshTokenResponse(
  server,
  client,
  await oauth.refreshTokenGrantRequest(server, client, authentication, granted.refresh_token!),
);
const second = await whoAmI(renewed.access_token);
const elsewhere = await fetch(`https://other.test/me`, { headers: { authorization: `Bearer ${renewed.access_token}` } })
  .then((response) => response.json());
console.log(JSON.stringify({ granted, renewed, first, second, elsewhere, seen }));
