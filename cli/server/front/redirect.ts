import { type FetchUrl, parseFetchUrl } from "../../../policy/server/fetch_url.ts";
import type { FetchReply } from "../../../proxy/edge/protocol.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** How a redirect goes on (RFC 9110 §15.4). */
export type Redirect =
  /** It is none. */
  | { readonly kind: "none" }
  /** To where a credential is not carried: another scheme, host or port, or what is no URL of ours (TM-11). */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "follow"; readonly url: FetchUrl; readonly method: string; readonly keepsBody: boolean };

/** What a response asks for. Only the same scheme, host and port are gone to. */
export function redirectOf({ status, headers }: FetchReply, from: FetchUrl, method: string): Redirect {
  const location = headers.find(([name]) => name === "location")?.[1];
  if (!REDIRECTS.has(status) || location === undefined) return { kind: "none" };
  let url: FetchUrl;
  try {
    // Resolved against where we are; the parser then refuses all that is not plain.
    const target = new URL(location, from.href);
    target.hash = "";
    url = parseFetchUrl(target.href);
  } catch {
    return { kind: "elsewhere" };
  }
  if (url.host !== from.host || url.port !== from.port) return { kind: "elsewhere" };
  const becomesGet = (status === 303 && method !== "HEAD") || ((status === 301 || status === 302) && method === "POST");
  return { kind: "follow", url, method: becomesGet ? "GET" : method, keepsBody: !becomesGet };
}
