import { type Field, listed } from "../http/fields.ts";

/** A body of messages, each behind its length: gRPC over HTTP/2, or in the form that browsers speak. */
export function isGrpc(fields: readonly Field[]): boolean {
  return fields.some(({ lower, value }) => lower === "content-type" && /^application\/grpc\b/i.test(value));
}

/** Whether messages are compressed one by one, which no content coding tells (gRPC over HTTP/2, "Message-Encoding"). */
export function messagesAreEncoded(fields: readonly Field[]): boolean {
  return listed(fields, "grpc-encoding").some((coding) => coding !== "identity");
}
