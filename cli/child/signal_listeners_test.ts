import assert from "node:assert/strict";
import { SignalListeners } from "./signal_listeners.ts";

const WINDOWS = Deno.build.os === "windows";
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

Deno.test({
  name: "SignalListeners hears a signal from the event loop, and nothing after its scope",
  ignore: WINDOWS,
  async fn() {
    const events: string[] = [];
    {
      using _listeners = new SignalListeners((signal) => events.push(signal));
      Deno.kill(Deno.pid, "SIGUSR1");
      assert.deepEqual(events, []);
      await pause();
      assert.deepEqual(events, ["SIGUSR1"]);
    }
    // SIGWINCH and SIGCONT do nothing to a process that does not listen.
    Deno.kill(Deno.pid, "SIGWINCH");
    Deno.kill(Deno.pid, "SIGCONT");
    await pause();
    assert.deepEqual(events, ["SIGUSR1"]);
  },
});

Deno.test({
  name: "SignalListeners handles a signal that comes during the child's start after it",
  ignore: WINDOWS,
  async fn() {
    const events: string[] = [];
    using _listeners = new SignalListeners((signal) => events.push(signal));
    Deno.kill(Deno.pid, "SIGTERM");
    // As long as a slow start: the signal has reached the process meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    events.push("started");
    await pause();
    assert.deepEqual(events, ["started", "SIGTERM"]);
  },
});
