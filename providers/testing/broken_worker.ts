/// <reference lib="deno.worker" />
// Breaks in the way that it is told, outside of every `catch`, and says "reported" once it was contained.
import { containErrors } from "../../policy/contain_errors.ts";

containErrors(self, () => self.postMessage("reported"));
self.onmessage = ({ data: [way, canary] }: MessageEvent<readonly [string, string]>) => {
  const error = new Error(canary);
  if (way === "rejection") void Promise.reject(error);
  else if (way === "timer") {
    setTimeout(() => {
      throw error;
    });
  } else throw error;
};
