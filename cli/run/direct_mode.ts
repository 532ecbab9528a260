import { AppError } from "../../policy/error.ts";
import { SEALED_PREFIX } from "../../policy/sealed_token.ts";
import type { SecretName } from "../../policy/secret_name.ts";
import type { RedactorFactory } from "../../policy/stream_scrubber.ts";
import type { KzConfig, ProvidedSecret } from "../config/model.ts";
import { collectValues } from "../resolve/collect_values.ts";
import { resolveSelected } from "./resolve_selected.ts";

/** The values of a direct run, as texts by name: they are about to become environment variables. */
export type DirectValues = ReadonlyMap<SecretName, string>;

/**
 * Fetches the values into this process, for the child's environment.
 *
 * @throws {AppError} `SECRET_NOT_TEXT` for a value that is not UTF-8: an environment holds text; `PROVIDER_VALUE_INVALID`
 * for a resource of a server in masked mode.
 */
export async function fetchValues(provided: readonly ProvidedSecret[], config: KzConfig): Promise<DirectValues> {
  if (provided.length === 0) return new Map();
  using outcome = await resolveSelected(provided, config);
  const values = await collectValues(outcome.valuePorts, outcome.found);
  const texts = new Map<SecretName, string>();
  for (const { name, provider } of provided) {
    const bytes = values.get(name);
    if (bytes === undefined) continue;
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      if (provider === "keyzero" && text.startsWith(SEALED_PREFIX)) throw maskedByServer(name);
      texts.set(name, text);
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError("SECRET_NOT_TEXT", `Cannot pass ${name}: its value is not UTF-8 text`, {
        hints: ["Store it as text, for example in Base64, and decode it in the program"],
      });
    } finally {
      bytes.fill(0);
    }
  }
  return texts;
}

/** A program cannot do anything with a token that is swapped at the server's proxy alone. */
function maskedByServer(name: SecretName): AppError {
  return new AppError("PROVIDER_VALUE_INVALID", `Cannot pass ${name}: its server gives it in masked mode only`, {
    hints: ["Run with --blind, or let the resource have mode: direct in the server's bundle"],
  });
}

/** Scrubbers for the child's output, which name the secret that stood there. */
export async function redactorFor(values: DirectValues, warn: (line: string) => void): Promise<RedactorFactory> {
  const { MIN_SCRUBBED_BYTES, ScrubPlan } = await import("../../proxy/scrub/scrub_plan.ts");
  const short = [...values].filter(([, text]) => new TextEncoder().encode(text).length < MIN_SCRUBBED_BYTES);
  if (short.length > 0) {
    warn(
      `warning: not redacted, since text would match by chance: ${short.map(([name]) => name).join(", ")} ` +
        `(under ${MIN_SCRUBBED_BYTES} bytes)`,
    );
  }
  const plan = new ScrubPlan([...values].map(([name, text]) => ({ text, standIn: `[redacted ${name}]` })));
  return () => plan.replacer({ keepLength: false });
}
