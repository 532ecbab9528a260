import { Denial } from "../../../policy/server/denial.ts";
import { answerCalls } from "../../../proxy/port_calls.ts";

/** No JWT is longer; a larger file was named by mistake. */
const MAX_BYTES = 16 * 1024;

/**
 * Answers with the JWT in a file, which is read each time: workload identities are renewed in place.
 *
 * @throws {Denial} `JWT_MISSING` to whoever asks, if it cannot be read.
 */
export function openJwtFile(port: MessagePort, path: string): Disposable {
  return answerCalls<null, string>(port, async () => {
    try {
      const { size, isFile } = await Deno.stat(path);
      if (!isFile || size > MAX_BYTES) throw new TypeError("Cannot read JWT: this is no such file");
      return (await Deno.readTextFile(path)).trim();
    } catch (cause) {
      throw new Denial("JWT_MISSING", { detail: "the server's own JWT cannot be read", cause });
    }
  });
}
