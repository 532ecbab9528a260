import assert from "node:assert/strict";
import { decodeLatin1 } from "../http/latin1.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { CANARY, utf8 } from "../testing/lab.ts";
import { EDGE_LIMITS } from "./edge_limits.ts";
import { fetchReply, isChosenHeader } from "./fetch_reply.ts";
import { VALUE_STAND_IN } from "./value_cache.ts";

const values = new ScrubPlan([{ text: CANARY, standIn: VALUE_STAND_IN }]);

const HEADERS: readonly (readonly [name: string, chosen: boolean])[] = [
  ["content-type", true],
  ["etag", true],
  ["location", true],
  ["link", true],
  ["retry-after", true],
  ["x-ratelimit-remaining", true],
  ["ratelimit", true],
  ["ratelimit-policy", true],
  ["x-rate-limit-reset", true],
  ["x-request-id", true],
  ["x-next-page", true],
  ["set-cookie", false],
  ["set-cookie2", false],
  ["www-authenticate", false],
  ["proxy-authenticate", false],
  ["authorization", false],
  ["authentication-info", false],
  ["content-length", false],
  ["content-encoding", false],
  ["alt-svc", false],
  ["x-amz-security-token", false],
  ["x-auth-token", false],
  ["x-ratelimits", false],
  ["x-anything", false],
];
for (const [name, chosen] of HEADERS) {
  Deno.test(`TM-34 fetchReply() ${chosen ? "gives" : "leaves out"} ${name}`, () => {
    assert.equal(isChosenHeader(name), chosen);
    const field = { name: name.toUpperCase(), lower: name, value: `a ${CANARY}` };
    const reply = fetchReply({ status: 200, fields: [field], body: utf8(""), truncated: false }, values);
    assert.deepEqual(reply.headers, chosen ? [[name, `a ${VALUE_STAND_IN}`]] : []);
  });
}

const CAP = EDGE_LIMITS.responseBodyBytes;

Deno.test("TM-34 fetchReply() leaves nothing of a value that the cap cuts, wherever it cuts", () => {
  for (let kept = 1; kept <= CANARY.length; kept++) {
    const text = "x".repeat(CAP - kept) + CANARY.slice(0, kept);
    const { body, truncated } = fetchReply({ status: 200, fields: [], body: utf8(text), truncated: true }, values);
    const whole = kept === CANARY.length;
    assert.ok(truncated);
    assert.equal(decodeLatin1(body), "x".repeat(CAP - kept) + (whole ? VALUE_STAND_IN : ""), `${kept} bytes`);
  }
});

Deno.test("fetchReply() cuts what grows over the cap by its stand-ins", () => {
  const short = new ScrubPlan([{ text: "12345678", standIn: VALUE_STAND_IN }]);
  const body = utf8("12345678".repeat(CAP / 8));
  const reply = fetchReply({ status: 200, fields: [], body, truncated: false }, short);
  assert.deepEqual([reply.body.length, reply.truncated], [CAP, true]);
});

Deno.test("fetchReply() gives a body at the cap whole, its end included", () => {
  const text = "x".repeat(CAP - 3) + CANARY.slice(0, 3);
  const reply = fetchReply({ status: 200, fields: [], body: utf8(text), truncated: false }, values);
  assert.equal(decodeLatin1(reply.body), text);
  assert.equal(reply.truncated, false);
});

const CUT = `{"access_token":"new-${CANARY.slice(0, 9)}`;
const MINTED: readonly (readonly [why: string, type: string, body: string, shown: string])[] = [
  ["JSON", "application/json", '{"access_token":"new-1","a":1}', `{"access_token":"${VALUE_STAND_IN}","a":1}`],
  ["JSON that the cap cuts", "application/json", CUT, `{"access_token":"${VALUE_STAND_IN}`],
  ["a form", "application/x-www-form-urlencoded", "refresh_token=n&a=1", `refresh_token=${VALUE_STAND_IN}&a=1`],
  ["GitHub's JSON", "application/json", '{"token":"n","expires_at":1}', `{"token":"${VALUE_STAND_IN}","expires_at":1}`],
  ["another field", "application/json", '{"token":"n"}', '{"token":"n"}'],
];
for (const [why, type, text, shown] of MINTED) {
  Deno.test(`TM-06 fetchReply() gives nobody a credential that a host gives out: ${why}`, () => {
    const field = { name: "Content-Type", lower: "content-type", value: type };
    const location = { name: "Location", lower: "location", value: "/cb?a=1#access_token=n&b=2" };
    const truncated = text === CUT;
    const reply = fetchReply({ status: 200, fields: [field, location], body: utf8(text), truncated }, values);
    assert.equal(decodeLatin1(reply.body), shown);
    assert.deepEqual(reply.headers[1], ["location", `/cb?a=1#access_token=${VALUE_STAND_IN}&b=2`]);
  });
}
