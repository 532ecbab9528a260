import assert from "node:assert/strict";
import { CANARY, CLOSE, type LabOptions, openLab } from "../testing/lab.ts";

const head = (fields: readonly string[]) =>
  `GET / HTTP/1.1\r\nHost: api.test\r\n${fields.map((field) => `${field}\r\n`).join("")}${CLOSE}\r\n`;

/** `TOKEN` stands for the token. */
const REFUSED: readonly (readonly [why: string, fields: readonly string[], code: string])[] = [
  ["the same name twice", ["X-Api-Key: TOKEN", "X-Api-Key: other"], "PROXY_TOKEN_REPEATED"],
  ["the same name twice, the token last", ["X-Api-Key: other", "X-Api-Key: TOKEN"], "PROXY_TOKEN_REPEATED"],
  ["the same name twice, both with the token", ["X-Api-Key: TOKEN", "X-Api-Key: TOKEN"], "PROXY_TOKEN_REPEATED"],
  ["the name in another case besides", ["X-Api-Key: TOKEN", "x-api-KEY: other"], "PROXY_TOKEN_REPEATED"],
  ["the name with underscores besides", ["X-Api-Key: TOKEN", "X_Api_Key: other"], "PROXY_TOKEN_REPEATED"],
  ["the name with one underscore before it", ["X-Api_Key: other", "X-Api-Key: TOKEN"], "PROXY_TOKEN_REPEATED"],
  ["an empty one besides", ["X-Api-Key: TOKEN", "X-Api-Key:"], "PROXY_TOKEN_REPEATED"],
  ["the name with underscores alone", ["X_Api_Key: TOKEN"], "PROXY_TOKEN_MISPLACED"],
  ["a name with more at its end", ["X-Api-Key-: TOKEN"], "PROXY_TOKEN_MISPLACED"],
  ["white space before the colon", ["X-Api-Key : TOKEN"], "HTTP_FIELD_INVALID"],
  ["a tab before the colon", ["X-Api-Key\t: TOKEN"], "HTTP_FIELD_INVALID"],
  ["white space before the name", ["X-A: b", " X-Api-Key: TOKEN"], "HTTP_FIELD_INVALID"],
  ["white space in the name", ["X-Api Key: TOKEN"], "HTTP_FIELD_INVALID"],
  ["a non-breaking space after the name", ["X-Api-Key\xa0: TOKEN"], "HTTP_FIELD_INVALID"],
  ["a NUL in the name", ["X-Api\0Key: TOKEN"], "HTTP_FIELD_INVALID"],
  ["brackets in the name", ["X-Api[Key]: TOKEN"], "HTTP_FIELD_INVALID"],
  ["a folded value", ["X-Api-Key: a", "\tTOKEN"], "HTTP_FIELD_INVALID"],
  ["no name", [": TOKEN"], "HTTP_FIELD_INVALID"],
];

for (const [why, fields, code] of REFUSED) {
  Deno.test(`TM-20 a token in a header that is spelled with ${why} is refused`, async () => {
    await using lab = await openLab({ in: ["header:X-Api-Key"] });
    const answer = await lab.inside(head(fields.map((field) => field.replaceAll("TOKEN", lab.token))));
    assert.match(answer, /^HTTP\/1\.1 40[03] /);
    assert.ok(answer.includes(`"${code}"`), answer);
    assert.equal(lab.upstream.received, "");
  });
}

const SENT: readonly (readonly [why: string, options: LabOptions, field: string, sent: string])[] = [
  ["another case", { in: ["header:X-Api-Key"] }, "x-aPI-key: TOKEN", `x-aPI-key: ${CANARY}`],
  ["white space around the value", { in: ["header:x-api-key"] }, "X-Api-Key:\t TOKEN \t", `X-Api-Key: ${CANARY}`],
  ["no white space", { in: ["header:X-Api-Key"] }, "X-Api-Key:TOKEN", `X-Api-Key: ${CANARY}`],
  ["underscores that its secret names", { in: ["header:X_Api_Key"] }, "X_Api_Key: TOKEN", `X_Api_Key: ${CANARY}`],
];

for (const [why, options, field, sent] of SENT) {
  Deno.test(`TM-20 a header with ${why} is one header, and the value goes out in it alone`, async () => {
    await using lab = await openLab(options);
    assert.match(await lab.inside(head([field.replace("TOKEN", lab.token), "X-Other: x"])), /^HTTP\/1\.1 200 /);
    const [request = ""] = lab.upstream.requests;
    assert.ok(request.includes(`\r\n${sent}\r\n`), request);
    assert.equal(request.split(CANARY).length, 2);
  });
}

Deno.test("TM-20 headers that stand twice without a token pass as they are", async () => {
  await using lab = await openLab();
  const fields = ["Accept: a", "accept: b", "X_A: 1", "X-A: 2", `Authorization: Bearer ${lab.token}`];
  assert.match(await lab.inside(head(fields)), /^HTTP\/1\.1 200 /);
  assert.match(lab.upstream.requests[0]!, /Accept: a\r\naccept: b\r\nX_A: 1\r\nX-A: 2\r\n/);
});
