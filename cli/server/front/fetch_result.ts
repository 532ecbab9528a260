import type { FetchReply } from "../../../proxy/edge/protocol.ts";
import type { FetchResult } from "../broker.ts";
import { fetchedBody } from "./fetched_body.ts";

const REDIRECT_NOTE =
  "The host answers with a redirect that was not followed: the credential goes to one origin only. " +
  "Fetch the location yourself if the resource allows it.";
const CUT_NOTE = "The body was cut at 1 MiB. Ask for less, for example with a page size.";

/** A response as callers get it, with what they should know of it. */
export function fetchResultOf(reply: FetchReply, isRedirect: boolean): FetchResult {
  const headers: Record<string, string> = {};
  for (const [name, value] of reply.headers) {
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
  }
  const notes = [...(isRedirect ? [REDIRECT_NOTE] : []), ...(reply.truncated ? [CUT_NOTE] : [])];
  const body = fetchedBody(reply.body, headers["content-type"], reply.truncated);
  return { status: reply.status, headers, body, notes };
}
