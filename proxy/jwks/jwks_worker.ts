/**
 * The JWKS worker's entry: it takes its setup once, and fetches the key sets of a bundle's issuers until it is
 * terminated. It has no permission but `net`, to the hosts of those key sets alone.
 */
import { containErrors } from "../../policy/contain_errors.ts";
import { AppError, toWireError } from "../../policy/error.ts";
import { Denial } from "../../policy/server/denial.ts";
import { answerCalls } from "../port_calls.ts";
import { fetchJwks } from "./jwks_client.ts";
import type { JwksReport, JwksRequest, JwksSetup } from "./protocol.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
containErrors(scope, () => {
  const error = toWireError(new AppError("INTERNAL", "Cannot go on: the JWKS worker broke"));
  const report: JwksReport = { kind: "failed", error };
  scope.postMessage(report);
  scope.close();
});

scope.onmessage = ({ data }: MessageEvent<JwksSetup>) => {
  const { network: { connect, upstreamCa }, calls } = data;
  const sources = new Map(data.sources.map((source) => [source.url, source]));
  answerCalls<JwksRequest, string>(calls, async ({ url }) => {
    const source = sources.get(url);
    if (source === undefined) throw new Denial("ISSUER_UNAVAILABLE", { detail: "The bundle has no such key set" });
    // The permission is a list of names, so that a name is dialled, and its address is looked at before and after.
    return await fetchJwks(source, { connect, upstreamCa, anyAddress: false });
  });
};
