import type { ByteLease } from "../byte_budget.ts";
import { type OutgoingHead, ownFields } from "../exchange/request_head_bytes.ts";
import type { Origin, RequestPlan } from "../exchange/request_plan.ts";
import type { Field } from "../http/fields.ts";
import type { SwapContext } from "../swap/grant.ts";
import { type BodySource, ChunkedPayload } from "./chunked_payload.ts";
import { ChunkSigner } from "./chunk_signer.ts";
import type { AwsCredentials } from "./credentials.ts";
import { resign } from "./resign.ts";
import type { SignedRequest } from "./signed_request.ts";
import { sha256Hex } from "./signing_key.ts";

/** A body, read as far as its signature needs it. */
export interface SignedBody {
  /** As it came; absent where it streams. */
  readonly received: Uint8Array | undefined;
  /** As it goes out. */
  readonly first: Uint8Array;
  readonly rest: BodySource | undefined;
}

/** What a signed request is put together from. */
export interface ResignContext {
  readonly plan: RequestPlan;
  readonly origin: Origin;
  readonly credentials: AwsCredentials;
  readonly context: SwapContext;
  /** For chunks that are kept until they are checked. */
  readonly lease: ByteLease;
}

/**
 * Signs a request anew, its body's chunks too, when all else in it is as it goes out.
 *
 * @param head Without the signature; other tokens are replaced.
 * @returns The head with its new signature, and the body that goes with it.
 * @throws {Refusal} `PROXY_AWS_SIGNATURE_INVALID`
 */
export function resignRequest(
  signed: SignedRequest,
  { head, body }: { head: OutgoingHead; body: SignedBody },
  { plan, origin, credentials, context, lease }: ResignContext,
): { readonly head: OutgoingHead; readonly rest: BodySource | undefined } {
  const { payload } = signed;
  const { method, target: { pathAndQuery } } = plan;
  const receivedHash = payload.kind === "body" ? sha256Hex(body.received ?? body.first) : payload.hash;
  // Where a token in the body was replaced, the hash that the program wrote is of another body.
  const changed = body.received !== undefined && body.received !== body.first;
  const rehashed = payload.kind === "body" || (changed && payload.hash !== "UNSIGNED-PAYLOAD");
  const payloadHash = rehashed ? sha256Hex(body.first) : receivedHash;
  const fields = head.fields.map((field) => field.lower === HASH_FIELD ? { ...field, value: payloadHash } : field);
  const resigned = resign(signed, {
    received: { method, pathAndQuery, fields: plan.received, payloadHash: receivedHash },
    outgoing: { ...head, fields: [...ownFields(head, origin), ...fields], payloadHash },
  }, credentials);
  return {
    head: { ...head, pathAndQuery: resigned.pathAndQuery, fields: [...fields, ...resigned.fields] },
    rest: payload.kind !== "chunks" || body.rest === undefined ? body.rest : new ChunkedPayload(body.rest, {
      signed,
      signer: payload.signed ? new ChunkSigner(signed, credentials, resigned.signature) : undefined,
      detector: context.encoded.detector(),
      lease,
    }),
  };
}

const HASH_FIELD: Field["lower"] = "x-amz-content-sha256";
