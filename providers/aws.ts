import type { SecretRef } from "../policy/secret_ref.ts";
import { awsError, readAwsError } from "./aws_error.ts";
import { type AwsRef, parseAwsRef } from "./aws_ref.ts";
import type { AwsAnswer } from "./aws_secrets_manager.ts";
import type { ProviderOptions } from "./options.ts";
import type { Provider, Resolution } from "./provider.ts";
import { providerError, readError, storeError } from "./provider_error.ts";

const PROVIDER = "aws";

/**
 * Secrets Manager (`sm://id`, `sm://id#json-key`) and Parameter Store (`ssm://name`), read in batches.
 *
 * @param options `region`, `profile`, `endpoint`; what is absent the SDK finds as the AWS command line does.
 */
export function createAwsProvider(options: ProviderOptions): Provider {
  const config = {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
  };
  // Imported only when a reference needs it: each costs some tens of milliseconds.
  const openSm = async () => (await import("./aws_secrets_manager.ts")).openSecretsManager(config);
  const openSsm = async () => (await import("./aws_parameters.ts")).openParameters(config);

  async function readService(refs: readonly AwsRef[], service: AwsRef["service"], signal: AbortSignal) {
    const keys = [...new Set(refs.filter((ref) => ref.service === service).map(keyOf))];
    if (keys.length === 0) return new Map<string, AwsAnswer>();
    using client = service === "sm" ? await openSm() : await openSsm();
    return await client.read(keys, signal);
  }

  return {
    async resolve(requests, { signal }) {
      const wanted = requests.map((request) => ({ ...request, parsed: parseAwsRef(request.ref) }));
      const refs = wanted.map(({ parsed }) => parsed);
      const [sm, ssm] = await Promise.all([readService(refs, "sm", signal), readService(refs, "ssm", signal)]);
      return wanted.map(({ id, ref, parsed }): Resolution => {
        const answer = (parsed.service === "sm" ? sm : ssm).get(keyOf(parsed));
        if (answer === undefined || "error" in answer) {
          return { id, error: awsError(answer?.error, readError, { ref, signal }) };
        }
        if (parsed.service === "ssm" || parsed.jsonKey === undefined) return { id, bytes: answer.bytes.slice() };
        try {
          return { id, bytes: valueOfKey(answer.bytes, parsed.jsonKey, ref) };
        } catch (error) {
          return { id, error };
        }
      });
    },

    async put(ref, bytes, { signal }) {
      const parsed = parseAwsRef(ref);
      const value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      try {
        if (parsed.service === "ssm") {
          using client = await openSsm();
          return await client.write(parsed.name, value, signal);
        }
        using client = await openSm();
        if (parsed.jsonKey === undefined) return await client.write(parsed.id, value, signal);
        const answer = (await client.read([parsed.id], signal)).get(parsed.id);
        if (answer === undefined || "error" in answer) throw answer?.error;
        const object = readObject(answer.bytes);
        if (object === undefined) {
          throw storeError(
            { code: "PROVIDER_SOURCE_INVALID", provider: PROVIDER, ref },
            "what is there is not a JSON object",
          );
        }
        object.set(parsed.jsonKey, value);
        await client.write(parsed.id, JSON.stringify(Object.fromEntries(object)), signal);
      } catch (error) {
        throw awsError(error, storeError, { ref, signal });
      }
    },

    async check({ signal }) {
      // Credentials are what is missing most often; to see whether a secret may be read, it has to be read.
      const { SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
      const client = new SecretsManagerClient(config);
      try {
        await client.config.region();
        await client.config.credentials();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const { code, state, hints } = readAwsError(error);
        throw providerError({ code: code, provider: PROVIDER }, state, { cause: error, hints });
      } finally {
        client.destroy();
      }
    },
  };
}

function keyOf(ref: AwsRef): string {
  return ref.service === "sm" ? ref.id : ref.name;
}

function readObject(bytes: Uint8Array): Map<string, unknown> | undefined {
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof content !== "object" || content === null || Array.isArray(content)) return undefined;
    return new Map(Object.entries(content));
  } catch {
    return undefined;
  }
}

/** One key of a JSON object; a number or boolean as JSON writes it. */
function valueOfKey(bytes: Uint8Array, key: string, ref: SecretRef): Uint8Array {
  const object = readObject(bytes);
  if (object === undefined) {
    throw readError({ code: "PROVIDER_SOURCE_INVALID", provider: PROVIDER, ref }, "the secret is not a JSON object");
  }
  const value = object.get(key);
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (typeof value === "number" || typeof value === "boolean") return new TextEncoder().encode(String(value));
  const state = value === undefined ? "the secret's JSON has no such key" : "that key of the secret's JSON is not text";
  throw readError({ code: "PROVIDER_SECRET_NOT_FOUND", provider: PROVIDER, ref }, state);
}
