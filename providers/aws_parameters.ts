import { GetParametersCommand, PutParameterCommand, SSMClient, type SSMClientConfig } from "@aws-sdk/client-ssm";
import { chunked } from "./chunked.ts";
import { mapLimited } from "./map_limited.ts";
import type { AwsAnswer } from "./aws_secrets_manager.ts";

/** `GetParameters`, `Names`: at most 10 items. */
const BATCH_SIZE = 10;

/** The operations of Parameter Store that we need. @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/ */
export interface Parameters extends Disposable {
  /** @returns One answer for each name. */
  read(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, AwsAnswer>>;
  /** Stores or replaces an encrypted parameter. */
  write(name: string, value: string, signal: AbortSignal): Promise<void>;
}

export function openParameters(config: SSMClientConfig): Parameters {
  const client = new SSMClient(config);

  async function readBatch(names: readonly string[], signal: AbortSignal): Promise<Map<string, AwsAnswer>> {
    const answers = new Map<string, AwsAnswer>();
    try {
      const command = new GetParametersCommand({ Names: [...names], WithDecryption: true });
      const { Parameters = [] } = await client.send(command, { abortSignal: signal });
      for (const name of names) {
        const found = Parameters.find(({ Name, ARN, Selector = "" }) =>
          `${Name}${Selector}` === name || `${ARN}${Selector}` === name
        );
        answers.set(
          name,
          found?.Value === undefined ? { error: notFound() } : { bytes: new TextEncoder().encode(found.Value) },
        );
      }
    } catch (error) {
      // One parameter that may not be read fails its whole batch; alone, the others answer.
      if (names.length > 1 && error instanceof Error && error.name === "AccessDeniedException") {
        for (const single of await mapLimited(names, (name) => readBatch([name], signal))) {
          for (const [name, answer] of single) answers.set(name, answer);
        }
      } else for (const name of names) answers.set(name, { error });
    }
    return answers;
  }

  return {
    async read(names, signal) {
      const batches = await mapLimited(chunked(names, BATCH_SIZE), (some) => readBatch(some, signal));
      return new Map(batches.flatMap((batch) => [...batch]));
    },

    async write(name, value, signal) {
      const command = new PutParameterCommand({ Name: name, Value: value, Type: "SecureString", Overwrite: true });
      await client.send(command, { abortSignal: signal });
    },

    [Symbol.dispose]: () => client.destroy(),
  };
}

function notFound(): Error {
  const error = new Error("The reply has no such parameter");
  error.name = "ParameterNotFound";
  return error;
}
