import config from "../../../deno.json" with { type: "json" };
import type { AuditFields, SealedLine } from "./audit_line.ts";

/** `SeverityNumber` of opentelemetry/proto/logs/v1/logs.proto: INFO, WARN, ERROR. */
const SEVERITY: ReadonlyMap<unknown, readonly [number: number, text: string]> = new Map([
  ["denied", [13, "WARN"]],
  ["error", [17, "ERROR"]],
]);
const INFO = [9, "INFO"] as const;

type AnyValue = { readonly stringValue: string } | { readonly intValue: string };

/**
 * `ExportLogsServiceRequest` in the JSON form of OTLP: lowerCamelCase names, 64-bit integers as text, enumerations as
 * numbers. The body of each record is the line itself, so that the chain can be verified from what a backend holds.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function otlpRequest(lines: readonly SealedLine[]): string {
  return JSON.stringify({
    resourceLogs: [{
      resource: { attributes: attributes({ "service.name": "keyzero", "service.version": config.version }) },
      scopeLogs: [{ scope: { name: "keyzero.audit" }, logRecords: lines.map(logRecord) }],
    }],
  });
}

function logRecord({ text, fields, position, at }: SealedLine) {
  const [severityNumber, severityText] = SEVERITY.get(fields["outcome"]) ?? INFO;
  const named = Object.entries(fields).map(([name, value]) => [`keyzero.${name}`, value] as const);
  const nanoseconds = `${at}000000`;
  return {
    timeUnixNano: nanoseconds,
    observedTimeUnixNano: nanoseconds,
    severityNumber,
    severityText,
    eventName: `keyzero.audit.${fields["event"]}`,
    body: { stringValue: text },
    attributes: attributes({ "keyzero.seq": position.seq, ...Object.fromEntries(named) }),
  };
}

function attributes(fields: AuditFields): readonly { readonly key: string; readonly value: AnyValue }[] {
  return Object.entries(fields).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

/**
 * How many records a collector says it refused, in an `ExportLogsServiceResponse`.
 *
 * @param text An empty body is the empty message.
 * @returns Undefined for what is no such message.
 */
export function rejectedRecords(text: string): number | undefined {
  if (text.trim() === "") return 0;
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  const partial = property(message, "partialSuccess");
  if (!isObject(message) || (partial !== undefined && partial !== null && !isObject(partial))) return undefined;
  const rejected = property(partial, "rejectedLogRecords") ?? 0;
  // An int64 is text, and a number is taken too.
  const number = typeof rejected === "string" && /^-?\d{1,15}$/.test(rejected) ? Number(rejected) : rejected;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

function property(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
