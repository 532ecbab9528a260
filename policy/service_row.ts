import type { ServiceName } from "./service_name.ts";

/** What is known of a service, as `.keyzero.toml` would say it. */
export interface ServiceRow {
  readonly name: ServiceName;
  /** As people call it. */
  readonly title: string;
  /**
   * The hosts of its API. A wildcard only where the vendor alone answers below it. Empty: every customer has a host where
   * others may run code, so that the operator must name it.
   */
  readonly hosts: readonly string[];
  /** What such a host looks like, where `hosts` is empty. */
  readonly ownHost?: string;
  /** Where the vendor documents that the credential stands; the Basic scheme is a header, `authorization`. */
  readonly in: readonly string[];
  /** Only where a client of the vendor looks at what it is given. */
  readonly shape?: string;
  /** Where the vendor says so. */
  readonly docs: string;
  /** What the operator has to know besides, in Markdown. */
  readonly note?: string;
}
