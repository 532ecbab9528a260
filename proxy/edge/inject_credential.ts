import type { Secret } from "../../policy/secret.ts";
import type { CredentialLocation } from "../../policy/server/credential_location.ts";
import { Denial } from "../../policy/server/denial.ts";
import type { Field } from "../http/fields.ts";
import { decodeLatin1 } from "../http/latin1.ts";
import { MIN_SCRUBBED_BYTES } from "../scrub/scrub_plan.ts";
import { isSendable } from "../swap/swap_field.ts";

/** The parts of a request that a credential may stand in. */
export interface Injectable {
  readonly pathAndQuery: string;
  readonly fields: readonly Field[];
}

/**
 * Puts a value into a request, in the encoding of its place.
 *
 * @param request Holds neither the header nor the parameter yet.
 * @throws {Denial} `SECRET_UNUSABLE` for a value with control characters (TM-22), or too short to be found in a response.
 */
export function injectCredential(request: Injectable, location: CredentialLocation, secret: Secret): Injectable {
  return secret.reveal((bytes) => {
    if (bytes.length < MIN_SCRUBBED_BYTES) {
      throw unusable(`it has less than ${MIN_SCRUBBED_BYTES} bytes, too little to be found in a response`);
    }
    const real = decodeLatin1(bytes);
    if (!isSendable(real)) throw unusable("it holds control characters, such as a line break at its end");
    switch (location.kind) {
      case "header": {
        const { name, scheme } = location;
        return withField(request, name, scheme === undefined ? real : `${scheme} ${real}`);
      }
      case "basic":
        return withField(request, "Authorization", `Basic ${btoa(`${latin1OfUtf8(location.user)}:${real}`)}`);
      case "query":
        return withParameter(request, location.name, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    }
  });
}

function withField(request: Injectable, name: string, value: string): Injectable {
  return { ...request, fields: [...request.fields, { name, lower: name.toLowerCase(), value }] };
}

/** RFC 3986 §3.4; the value's own characters are all escaped. */
function withParameter(request: Injectable, name: string, value: string): Injectable {
  const { pathAndQuery } = request;
  const between = !pathAndQuery.includes("?") ? "?" : /[?&]$/.test(pathAndQuery) ? "" : "&";
  const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  return { ...request, pathAndQuery: `${pathAndQuery}${between}${parameter}` };
}

/** UTF-8, one character for each byte (RFC 7617 §2.1). */
function latin1OfUtf8(text: string): string {
  return decodeLatin1(new TextEncoder().encode(text));
}

function unusable(detail: string): Denial {
  return new Denial("SECRET_UNUSABLE", { detail });
}
