import { clientCommand, clientEnvironment, runClient, type System } from "./system.ts";

/** No proxy: the client holds the real value and speaks to the upstream itself. */
export function direct(options: { token: string; caFile: string }): System {
  const env = clientEnvironment(options);
  return {
    name: "direct",
    measure(job) {
      const [file = "", ...args] = clientCommand(job);
      return runClient({ file, args, env });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
