import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from "@aws-sdk/client-secrets-manager";
import { isBatchRefused } from "./aws_error.ts";
import { chunked } from "./chunked.ts";
import { mapLimited } from "./map_limited.ts";

/** `BatchGetSecretValue`, `SecretIdList`: at most 20 items. */
const BATCH_SIZE = 20;

/** What became of one id: the value, or what was thrown. */
export type AwsAnswer = { readonly bytes: Uint8Array } | { readonly error: unknown };

/** The operations of Secrets Manager that we need. @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/ */
export interface SecretsManager extends Disposable {
  /** @returns One answer for each id. */
  read(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, AwsAnswer>>;
  /** Writes a new version, making the secret if there is none. */
  write(id: string, value: string, signal: AbortSignal): Promise<void>;
}

export function openSecretsManager(config: SecretsManagerClientConfig): SecretsManager {
  const client = new SecretsManagerClient(config);

  async function readOne(id: string, signal: AbortSignal): Promise<AwsAnswer> {
    try {
      const reply = await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal: signal });
      return answerOf(reply);
    } catch (error) {
      return { error };
    }
  }

  /** @returns Answers for as many of the ids as the batch had; none if batches are refused. */
  async function readBatch(ids: readonly string[], signal: AbortSignal): Promise<Map<string, AwsAnswer>> {
    const answers = new Map<string, AwsAnswer>();
    try {
      const command = new BatchGetSecretValueCommand({ SecretIdList: [...ids] });
      const { SecretValues = [], Errors = [] } = await client.send(command, { abortSignal: signal });
      for (const id of ids) {
        const found = SecretValues.find(({ Name, ARN }) => Name === id || ARN === id);
        const failed = Errors.find(({ SecretId }) => SecretId === id);
        if (found !== undefined) answers.set(id, answerOf(found));
        else if (failed !== undefined) answers.set(id, { error: named(failed.ErrorCode) });
      }
    } catch (error) {
      if (!isBatchRefused(error)) { for (const id of ids) answers.set(id, { error }); }
    }
    return answers;
  }

  return {
    async read(ids, signal) {
      const answers = new Map<string, AwsAnswer>();
      // One alone is read alone, which needs one right less.
      const batches = ids.length > 1 ? chunked(ids, BATCH_SIZE) : [];
      for (const batch of await mapLimited(batches, (some) => readBatch(some, signal))) {
        for (const [id, answer] of batch) answers.set(id, answer);
      }
      const rest = ids.filter((id) => !answers.has(id));
      const singles = await mapLimited(rest, (id) => readOne(id, signal));
      rest.forEach((id, index) => answers.set(id, singles[index]!));
      return answers;
    },

    async write(id, value, signal) {
      try {
        await client.send(new PutSecretValueCommand({ SecretId: id, SecretString: value }), { abortSignal: signal });
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "ResourceNotFoundException" || id.startsWith("arn:")) {
          throw error;
        }
        await client.send(new CreateSecretCommand({ Name: id, SecretString: value }), { abortSignal: signal });
      }
    },

    [Symbol.dispose]: () => client.destroy(),
  };
}

function answerOf(value: { SecretString?: string | undefined; SecretBinary?: Uint8Array | undefined }): AwsAnswer {
  if (value.SecretString !== undefined) return { bytes: new TextEncoder().encode(value.SecretString) };
  if (value.SecretBinary !== undefined) return { bytes: Uint8Array.from(value.SecretBinary) };
  return { error: named("ResourceNotFoundException") };
}

/** An error of a batch's entry, in the form in which the SDK throws the same. */
function named(name: string | undefined): Error {
  const error = new Error("An entry of a batch failed");
  error.name = name ?? "UnknownError";
  return error;
}
