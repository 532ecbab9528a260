import assert from "node:assert/strict";
import { makeMaskedToken } from "../../policy/masked_token.ts";
import { parseHost } from "../../policy/host.ts";
import { ByteBudget } from "../byte_budget.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import type { SwapContext } from "../swap/grant.ts";
import { TokenTable } from "../token_table.ts";
import { ClientMessages } from "./client_messages.ts";
import type { DataPiece } from "./frame.ts";
import { HostMessages } from "./host_messages.ts";
import { readFrames } from "./testing/raw_frames.ts";

const TOKEN = makeMaskedToken(new Uint8Array(16));
const CONTEXT: SwapContext = {
  destination: { host: parseHost("api.test"), port: 443, path: "/", trusted: true, defaultPort: 443 },
  tokens: new TokenTable([]),
  encoded: new ScrubPlan([{ text: TOKEN, standIn: TOKEN }]),
  used: new Set(),
};

const piece = (payload: string, ends: boolean, starts = false): DataPiece => ({
  kind: "text",
  payload: encodeLatin1(payload),
  starts,
  ends,
});

Deno.test("TM-24 ClientMessages holds what is beyond a small message on the shared budget, and gives it back", () => {
  const budget = new ByteBudget(200_000);
  using messages = new ClientMessages(() => CONTEXT, budget);
  for (let round = 0; round < 3; round++) {
    assert.equal(messages.take(piece("~".repeat(150_000), false, true)).length, 0);
    assert.equal(budget.taken, 150_000 - LIMITS.wholeBodyBytes);
    const { frames } = readFrames(decodeLatin1(messages.take(piece("b", true))));
    assert.equal(frames[0]?.payload.length, 150_001);
    assert.equal(budget.taken, 0);
  }
});

Deno.test("TM-24 ClientMessages refuses a message when the shared budget is spent", () => {
  const budget = new ByteBudget(200_000);
  {
    using first = new ClientMessages(() => CONTEXT, budget);
    using second = new ClientMessages(() => CONTEXT, budget);
    first.take(piece("~".repeat(250_000), false, true));
    assert.throws(
      () => second.take(piece("~".repeat(250_000), false, true)),
      (error) => error instanceof Refusal && error.code === "PROXY_OVERLOADED",
    );
  }
  assert.equal(budget.taken, 0);
});

Deno.test("TM-24 ClientMessages gives back what it held of a message that grows too long to be held", () => {
  const budget = new ByteBudget(2 * LIMITS.webSocketMessageBytes);
  using messages = new ClientMessages(() => CONTEXT, budget);
  messages.take(piece("~".repeat(LIMITS.webSocketMessageBytes), false, true));
  assert.ok(budget.taken > 0);
  const { frames } = readFrames(decodeLatin1(messages.take(piece("~", false))));
  assert.equal(frames[0]?.payload.length, LIMITS.webSocketMessageBytes + 1);
  assert.equal(budget.taken, 0);
});

Deno.test("TM-24 ClientMessages takes a megabyte in fragments of one byte, and empty ones, in the space of their bytes", () => {
  using messages = new ClientMessages(() => CONTEXT, new ByteBudget(LIMITS.heldBodiesBytes));
  const one = piece("~", false);
  const none = piece("", false);
  for (let count = 0; count < LIMITS.webSocketMessageBytes; count++) {
    assert.equal(messages.take(one).length + messages.take(none).length, 0);
  }
  assert.ok(messages.take(none).length === 0 && messages.take(one).length > LIMITS.webSocketMessageBytes);
});

Deno.test("HostMessages searches each message for the values of its moment", () => {
  let value = "first-value-of-secret";
  const messages = new HostMessages(() => new ScrubPlan([{ text: value, standIn: TOKEN }]));
  const seen = () => readFrames(decodeLatin1(messages.take(piece(`<${value}>`, true, true)))).frames[0]?.payload;
  assert.equal(seen(), `<${TOKEN}>`);
  value = "second-value-of-secret";
  assert.equal(seen(), `<${TOKEN}>`);
});
