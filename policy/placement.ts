import { AppError } from "./error.ts";

/** Where in a request a secret may stand: an entry of its `in`. */
export type Placement =
  /** One header, by its lower-case name; without a name any but {@linkcode NEVER_SWAPPED}. Basic authentication counts. */
  | { readonly kind: "header"; readonly name: string | undefined }
  /** The value of one query parameter, by its decoded name; without a name of any. */
  | { readonly kind: "query"; readonly name: string | undefined }
  /** Anywhere in the path. */
  | { readonly kind: "path" }
  /** One field of a JSON, form or multipart body, as a JSON Pointer (RFC 6901); without a field anywhere in the body. */
  | { readonly kind: "body"; readonly field: string | undefined }
  /** Anywhere in the text messages of a WebSocket. */
  | { readonly kind: "websocket" };

/** A place that a token was found in. */
export type Place =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "query"; readonly name: string }
  | { readonly kind: "path" }
  /** `field` is absent in a body that has no fields. */
  | { readonly kind: "body"; readonly field: string | undefined }
  | { readonly kind: "websocket" };

export const DEFAULT_PLACEMENTS: readonly Placement[] = [{ kind: "header", name: undefined }];

/** Headers that servers log, echo or forward; a secret goes there only by name (TM-04). */
export const NEVER_SWAPPED: ReadonlySet<string> = new Set([
  "cookie",
  "host",
  "referer",
  "origin",
  "user-agent",
  "via",
  "forwarded",
  "sec-websocket-protocol",
]);

/** A field name: RFC 9110 §5.1, a token of §5.6.2. */
export const HEADER_NAME_REGEXP = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What {@linkcode parsePlacement} reads, for the JSON Schema of the configuration. */
export const PLACEMENT_PATTERN = "^(header|query|body)(:.+)?$|^(path|websocket)$";

/**
 * Reads one entry of `in`.
 *
 * @param text `header`, `header:<name>`, `query`, `query:<name>`, `path`, `body`, `body:<field>`, where a field is a name,
 * or a JSON Pointer that begins with "/", or `websocket`.
 * @throws {AppError} `CONFIG_PLACEMENT_INVALID`; the message never holds `text`.
 */
export function parsePlacement(text: string): Placement {
  const [, kind, name] = /^(header|query|path|body|websocket)(?::(.+))?$/s.exec(text) ?? [];
  if (kind === "header" && (name === undefined || HEADER_NAME_REGEXP.test(name))) {
    return { kind, name: name?.toLowerCase() };
  }
  if (kind === "query") return { kind, name };
  if ((kind === "path" || kind === "websocket") && name === undefined) return { kind };
  if (kind === "body") return { kind, field: name === undefined ? undefined : fieldPointer(name) };
  throw new AppError(
    "CONFIG_PLACEMENT_INVALID",
    "Cannot read placement: header, query, path, body or websocket is expected, with a name where there is one",
    { hints: ['Write for example in = ["header:X-Api-Key"], ["query:key"], ["path"] or ["body:client_secret"]'] },
  );
}

/** A field's name as a JSON Pointer; one that begins with "/" is a pointer already. */
function fieldPointer(name: string): string {
  return name.startsWith("/") ? name : pointer([name]);
}

/** A JSON Pointer for the names that lead to a value (RFC 6901 §3). */
export function pointer(names: readonly string[]): string {
  return names.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Whether a secret with these placements may stand in a place. */
export function mayStand(placements: readonly Placement[], place: Place): boolean {
  return placements.some((allowed) => {
    switch (allowed.kind) {
      case "header":
        return place.kind === "header" &&
          (allowed.name === undefined ? isOrdinaryHeader(place.name) : allowed.name === place.name);
      case "query":
        return place.kind === "query" && (allowed.name === undefined || allowed.name === place.name);
      case "path":
        return place.kind === "path";
      case "body":
        return place.kind === "body" && (allowed.field === undefined || allowed.field === place.field);
      case "websocket":
        return place.kind === "websocket";
    }
  });
}

function isOrdinaryHeader(name: string): boolean {
  return !NEVER_SWAPPED.has(name) && !name.startsWith("x-forwarded-");
}
