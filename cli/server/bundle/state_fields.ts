import type { StatePassword, StateSettings } from "../../../policy/server/bundle.ts";
import { parseRedisAddress } from "../../../policy/server/redis_address.ts";
import { parseSecretRef } from "../../../policy/secret_ref.ts";
import { converted, type Field, isTable, parsed, table } from "../../config/field.ts";
import { NAME_PATTERN, parseEntryName } from "./texts.ts";

const REDIS = parsed(parseRedisAddress, {
  description: "Where Redis is: redis://[user@]host[:port][/database], or rediss:// for TLS. Without a password.",
  pattern: "^rediss?://[^:\\s]+",
  examples: ["rediss://redis.internal:6379/0"],
});

const PASSWORD = converted(
  table(
    {
      backend: parsed(parseEntryName, { description: "The backend that holds it.", pattern: NAME_PATTERN }),
      secret: parsed(parseSecretRef, { description: "The backend's own ref.", minLength: 1 }),
    },
    {
      description: "The password of Redis, which a bundle does not hold.",
      examples: [{ backend: "env", secret: "REDIS" }],
    },
    ["backend", "secret"],
  ),
  ({ backend, secret }): StatePassword | undefined =>
    backend === undefined || secret === undefined ? undefined : { backend, secret },
);

const TABLE = converted(
  table({ redis: REDIS, password: PASSWORD }, { description: "Redis, with its password." }, ["redis"]),
  ({ redis, password }): StateSettings | undefined =>
    redis === undefined ? undefined : { kind: "redis", address: redis, password },
);

/** `state`: an address alone, or a table. */
export const STATE: Field<StateSettings> = {
  schema: {
    description: "Where revocations are kept, for several replicas. Absent: in memory, for one.",
    oneOf: [REDIS.schema, TABLE.schema],
  },
  read(value, at, report) {
    if (isTable(value)) return TABLE.read(value, at, report);
    const address = REDIS.read(value, at, report);
    return address === undefined ? undefined : { kind: "redis", address, password: undefined };
  },
};
