import { AppError } from "../../../policy/error.ts";
import { type HostGrant, parseHostGrant } from "../../../policy/host_pattern.ts";
import { isPublicSuffix } from "../../../policy/public_suffix.ts";
import type { Resource } from "../../../policy/server/bundle.ts";
import {
  DEFAULT_LOCATION,
  LOCATION_PATTERN,
  parseCredentialLocation,
} from "../../../policy/server/credential_location.ts";
import { parseRefPattern } from "../../../policy/server/resource_ref.ts";
import { METHODS, PATHS } from "../../config/blind_fields.ts";
import { converted, type Field, integer, listOf, oneOf, parsed, table, type TableOf } from "../../config/field.ts";
import { NAME_PATTERN, parseEntryName, parseSecretTemplate } from "./texts.ts";

const DEFAULT_TTL_SECONDS = 300;
/** A day: a value that was replaced at its backend must not live on for longer. */
const MAX_TTL_SECONDS = 86_400;
/** The ref itself. */
export const DEFAULT_SECRET = "{ref}";

const FIELDS = {
  ref: parsed(parseRefPattern, {
    description: "What callers ask for: exact, or a glob with * in a segment and ** for segments. The longest text " +
      "before the first * wins.",
    examples: ["github/pat", "github/**"],
  }),
  resolver: parsed(parseEntryName, { description: "The name of a backend.", pattern: NAME_PATTERN }),
  secret: parsed(parseSecretTemplate, {
    description: 'Where the value is at the backend; "{ref}" stands for what was asked for.',
    default: DEFAULT_SECRET,
    minLength: 1,
    maxLength: 2048,
  }),
  mode: oneOf(["masked", "direct"] as const, {
    description: "masked: callers get a token. direct: they get the value itself over HTTP, and never over MCP.",
    default: "masked",
  }, { code: "CONFIG_TYPE_INVALID", state: "this mode is unknown" }),
  ttl: integer({ minimum: 1, maximum: MAX_TTL_SECONDS }, {
    description: "Seconds that a token lives and a value is held.",
    default: DEFAULT_TTL_SECONDS,
  }),
  credential_location: parsed(parseCredentialLocation, {
    description: "Where the value goes in a request: header:<name>:<scheme>, basic:<user> or query:<name>.",
    pattern: LOCATION_PATTERN,
    default: "header:Authorization:Bearer",
  }),
  hosts: listOf(
    parsed(parseServerGrant, { description: "host, *.suffix or host:port, with an optional path prefix" }),
    {
      description: "The only hosts that the value may go to. Absent or empty: none.",
      examples: [["api.github.com"]],
    },
  ),
  methods: METHODS,
  paths: PATHS,
};

/** An entry of `resources`. */
export const resourceField: Field<Resource> = converted(
  table(FIELDS, { description: "What callers may ask for." }, ["ref", "resolver"]),
  toResource,
);

function toResource(fields: TableOf<typeof FIELDS>): Resource | undefined {
  const { ref, resolver } = fields;
  if (ref === undefined || resolver === undefined) return undefined;
  return {
    ref,
    resolver,
    secret: fields.secret ?? DEFAULT_SECRET,
    mode: fields.mode ?? "masked",
    ttlSeconds: fields.ttl ?? DEFAULT_TTL_SECONDS,
    location: fields.credential_location ?? DEFAULT_LOCATION,
    hosts: fields.hosts ?? [],
    methods: fields.methods,
    paths: fields.paths,
  };
}

/** @throws {AppError} `CONFIG_HOST_INVALID`; a wildcard below which anybody may have a name is one too. */
function parseServerGrant(text: string): HostGrant {
  const grant = parseHostGrant(text);
  if (grant.pattern.kind === "suffix" && isPublicSuffix(grant.pattern.suffix)) {
    throw new AppError("CONFIG_HOST_INVALID", "Cannot read host: anyone can register a name below this wildcard", {
      hints: ["Write a wildcard below a name of one owner, or each host by itself"],
    });
  }
  return grant;
}
