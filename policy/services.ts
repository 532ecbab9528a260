import { type HostGrant, parseHostGrant } from "./host_pattern.ts";
import { parsePlacement, type Placement } from "./placement.ts";
import type { ServiceName } from "./service_name.ts";
import type { ServiceRow } from "./service_row.ts";
import { AI_SERVICES } from "./services/ai_services.ts";
import { CLOUD_SERVICES } from "./services/cloud_services.ts";
import { CODE_SERVICES } from "./services/code_services.ts";
import { DATA_SERVICES } from "./services/data_services.ts";
import { MESSAGE_SERVICES } from "./services/message_services.ts";
import { OBSERVABILITY_SERVICES } from "./services/observability_services.ts";
import { WORK_SERVICES } from "./services/work_services.ts";
import { parseTokenShape, type TokenShape } from "./token_shape.ts";

/** The catalogue of well-known services, by kind. Loaded only where a secret names a service. */
export const SERVICES: ReadonlyMap<string, readonly ServiceRow[]> = new Map([
  ["AI", AI_SERVICES],
  ["Code", CODE_SERVICES],
  ["Cloud", CLOUD_SERVICES],
  ["Messages", MESSAGE_SERVICES],
  ["Work", WORK_SERVICES],
  ["Observability", OBSERVABILITY_SERVICES],
  ["Data", DATA_SERVICES],
]);

/** What a service says for a secret that does not say it itself. */
export interface Service {
  /** Empty: the operator must name the hosts, which look like `ownHost`. */
  readonly hosts: readonly HostGrant[];
  readonly ownHost: string | undefined;
  readonly in: readonly Placement[];
  readonly shape: TokenShape | undefined;
}

const ROWS: ReadonlyMap<ServiceName, ServiceRow> = new Map(
  [...SERVICES.values()].flat().map((row) => [row.name, row]),
);

/** @throws {TypeError} for a name that is not in the catalogue, which a test rules out. */
export function getService(name: ServiceName): Service {
  const row = ROWS.get(name);
  if (row === undefined) throw new TypeError(`Cannot find service "${name}": the catalogue has no such row`);
  return {
    hosts: row.hosts.map(parseHostGrant),
    ownHost: row.ownHost,
    in: row.in.map(parsePlacement),
    shape: row.shape === undefined ? undefined : parseTokenShape(row.shape),
  };
}
