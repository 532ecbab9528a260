import assert from "node:assert/strict";
import { CANARY, CLOSE, okay } from "../testing/lab.ts";
import { openEdgeLab } from "./testing/edge_lab.ts";

const get = (token: string, more = "", path = "/repos") =>
  `GET ${path} HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer ${token}\r\n${more}${CLOSE}\r\n`;

Deno.test("EdgeProxy swaps a token for the value of its resource, which the client never sees [S-6.2]", async () => {
  await using lab = await openEdgeLab({ respond: (request) => okay(request, `X-Echo: ${CANARY}\r\n`) });
  const token = await lab.token();
  const answer = await lab.inside(get(token));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(lab.upstream.requests[0]!, new RegExp(`^Authorization: Bearer ${CANARY}\r$`, "m"));
  assert.ok(!lab.upstream.received.includes("KZ_TOK_"));
  // What came back is the token that was sent, so that what is made of it works again.
  assert.ok(!answer.includes(CANARY) && answer.includes(`Authorization: Bearer ${token}`));
  assert.match(answer, new RegExp(`^X-Echo: ${token}\r$`, "m"));
});
