import assert from "node:assert/strict";
import { CANARY, CLOSE, openLab } from "../testing/lab.ts";

const get = (value: string) => `GET / HTTP/1.1\r\nHost: api.test\r\nAuthorization: ${value}\r\n${CLOSE}\r\n`;

/** `T` stands for the token in what is sent and for the value in what arrives; both inside base64. */
const SWAPPED: readonly (readonly [why: string, scheme: string, credentials: string])[] = [
  ["a password", "Basic", "user:T"],
  ["a user", "Basic", "T:x-oauth-basic"],
  ["a user without a password", "Basic", "T:"],
  ["a password without a user", "Basic", ":T"],
  ["both", "Basic", "T:T"],
  ["a part of a password", "Basic", "user:pre-T-post"],
  ["a password with a colon", "Basic", "user:a:T"],
  ["the scheme in lower case", "basic", "user:T"],
];

for (const [why, scheme, credentials] of SWAPPED) {
  Deno.test(`Basic authentication with ${why} is swapped inside its base64`, async () => {
    await using lab = await openLab();
    const answer = await lab.inside(get(`${scheme} ${btoa(credentials.replaceAll("T", lab.token))}`));
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const sent = btoa(credentials.replaceAll("T", CANARY));
    assert.ok(lab.upstream.requests[0]!.includes(`Authorization: ${scheme} ${sent}\r\n`));
  });
}

const UNTOUCHED: readonly (readonly [why: string, value: string])[] = [
  ["canonical", `Basic ${btoa("user:password")}`],
  ["without padding", `Basic ${btoa("user:pass").replace(/=+$/, "")}`],
  ["with bits left over", "Basic dXNlcjpwYXNzdx=="],
  ["url-safe", "Basic dXNlcjr_-_8="],
  ["not UTF-8", `Basic ${btoa("user:\xff")}`],
  ["without a colon", `Basic ${btoa("user")}`],
  ["with white space inside", "Basic dXNl cjpw"],
  ["not base64", "Basic ???"],
  ["without credentials", "Basic"],
];

for (const [why, value] of UNTOUCHED) {
  Deno.test(`Basic authentication ${why} and without a token is forwarded byte for byte`, async () => {
    await using lab = await openLab();
    assert.match(await lab.inside(get(value)), /^HTTP\/1\.1 200 /);
    assert.ok(lab.upstream.requests[0]!.includes(`Authorization: ${value}\r\n`));
  });
}

Deno.test("a token in base64 that is not canonical is refused, never passed", async () => {
  await using lab = await openLab();
  const encoded = btoa(`user:${lab.token}xx`).replace(/=+$/, "");
  for (const value of [`Basic ${encoded}`, `Basic x${btoa(`user:${lab.token}`)}`, `Basic ${btoa(lab.token)}`]) {
    assert.match(await lab.inside(get(value)), /^HTTP\/1\.1 403 /);
  }
  assert.equal(lab.upstream.received, "");
});

Deno.test("a value with a colon is kept out of the user's position, and stands in the password's", async () => {
  await using lab = await openLab({ value: "canary:with-colon" });
  assert.match(await lab.inside(get(`Basic ${btoa(`${lab.token}:x`)}`)), /"PROXY_VALUE_UNSENDABLE"/);
  assert.equal(lab.upstream.received, "");
  assert.match(await lab.inside(get(`Basic ${btoa(`x:${lab.token}`)}`)), /^HTTP\/1\.1 200 /);
});

Deno.test("a URL's password goes into Basic as it is, decoded", async () => {
  await using lab = await openLab({ value: "https://user:p%40ss-canary@api.test/", mask: "auto" });
  assert.equal(lab.masked, `https://user:${lab.token}@api.test/`);
  assert.match(await lab.inside(get(`Basic ${btoa(`user:${lab.token}`)}`)), /^HTTP\/1\.1 200 /);
  assert.ok(lab.upstream.requests[0]!.includes(btoa("user:p@ss-canary")));
});
