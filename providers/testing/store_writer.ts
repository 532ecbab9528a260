// Puts `count` entries named `<prefix><n>` into the store at `path`, and says "<n>" after each one.
// Arguments: path, prefix, count.
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { createStoreProvider } from "../store.ts";

const [path = "", prefix = "", count = "0"] = Deno.args;
const provider = createStoreProvider({ path, identity: "file" });
const { signal } = new AbortController();
for (let n = 0; n < Number(count); n++) {
  const name = `${prefix}${n}`;
  await provider.put!(parseSecretRef(name), new TextEncoder().encode(`value of ${name}`), { signal });
  await Deno.stdout.write(new TextEncoder().encode(`${n}\n`));
}
