import assert from "node:assert/strict";
import { answer, isDenial, labCommand, labResource, openFetchLab, text, withEdgeLimits } from "./testing/fetch_lab.ts";

Deno.test("EdgeFetcher that closes ends what has begun and takes nothing more", async () => {
  const go = Promise.withResolvers<string>();
  await using lab = await openFetchLab({ respond: () => go.promise });
  const fetching = lab.fetch();
  while (lab.host.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  let isClosed = false;
  const closing = lab.fetcher.close().then(() => isClosed = true);
  await assert.rejects(lab.fetch(), isDenial("OVERLOADED"));
  assert.equal(isClosed, false);
  go.resolve(answer("late"));
  assert.equal(text(await fetching), "late");
  await closing;
});

Deno.test("TM-38 EdgeFetcher carries 1,000 fetches at once with bounded connections and bytes", async () => {
  const body = "x".repeat(20_000);
  const limits = { runningFetches: 64, waitingFetches: 1_000, heldBytes: 8 * 2 ** 20 };
  await withEdgeLimits(limits, async () => {
    let connections = 0;
    let bytes = 0;
    await using lab = await openFetchLab({
      respond: () => {
        connections = Math.max(connections, lab.host.open);
        bytes = Math.max(bytes, lab.fetcher.heldBytes);
        return answer(body, "Connection: close\r\n");
      },
    });
    const command = labCommand(labResource());
    const replies = await Promise.all(Array.from({ length: 1_000 }, () => lab.fetcher.fetch(command)));
    assert.ok(replies.every((reply) => reply.status === 200 && reply.body.length === body.length));
    // A host sees a connection end a moment after the fetch has.
    assert.ok(connections <= 2 * limits.runningFetches, `${connections} connections`);
    assert.ok(bytes <= limits.heldBytes, `${bytes} bytes`);
    assert.equal(lab.fetcher.heldBytes, 0);
    assert.deepEqual(lab.vault.reads, ["github-pat"]);
    assert.equal(lab.audit.length, 2_000);
  });
});

Deno.test("TM-38 EdgeFetcher refuses what is over its bounds, and serves on", async () => {
  await withEdgeLimits({ runningFetches: 1, waitingFetches: 1, heldBytes: 100 }, async () => {
    let go = Promise.withResolvers<void>();
    let length = 10;
    await using lab = await openFetchLab({
      respond: async () => {
        await go.promise;
        return answer("x".repeat(length));
      },
    });
    const [first, second] = [lab.fetch(), lab.fetch()];
    await assert.rejects(lab.fetch(), isDenial("OVERLOADED"));
    go.resolve();
    await Promise.all([first, second]);
    go = Promise.withResolvers();
    go.resolve();
    await assert.rejects(lab.fetch({ method: "POST", body: new Uint8Array(101) }), isDenial("OVERLOADED"));
    length = 101;
    await assert.rejects(lab.fetch(), isDenial("OVERLOADED"));
    assert.equal(lab.fetcher.heldBytes, 0);
    length = 100;
    assert.equal((await lab.fetch()).body.length, 100);
  });
});
