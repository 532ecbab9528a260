import { AppError } from "../../policy/error.ts";
import { checkProvider } from "../resolve/put_secret.ts";

/** A keychain that is there answers at once; waiting longer for it would only delay the question. */
const CHECK_TIMEOUT_MS = 3_000;

/** The provider that suits this machine: its keychain if one answers, else our own store. */
export async function pickProvider(root: string): Promise<"keychain" | "store"> {
  try {
    await checkProvider("keychain", new Map(), { root, timeoutMs: CHECK_TIMEOUT_MS });
    return "keychain";
  } catch (error) {
    if (!(error instanceof AppError) || error.kind === "bug") throw error;
    return "store";
  }
}
