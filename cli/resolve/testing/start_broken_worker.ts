// Starts a worker that breaks, and prints what it says. The arguments are how it breaks, and with which message.
import { workerPermissions } from "../../permissions.ts";

const worker = new Worker(new URL("../../../providers/testing/broken_worker.ts", import.meta.url), {
  type: "module",
  deno: { permissions: workerPermissions("resolver-env", {}) },
});
worker.onmessage = ({ data }) => {
  console.log(data);
  worker.terminate();
};
worker.onerror = (event) => {
  event.preventDefault();
  console.log("not contained");
  worker.terminate();
};
worker.postMessage(Deno.args);
