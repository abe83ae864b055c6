import type { ServiceKey } from "../../api/service-key.ts";
import type { ServiceRecords } from "./service-records.ts";

/**
 * Services of which something is known that the zone does not say yet, and that nobody may be told otherwise: peers whose
 * data path has died are in thousands of them at once. Whoever is asked for one takes its records from here, so that no
 * answer waits for the others.
 */
export interface AheadOfZone {
  readonly size: number;
  has(service: ServiceKey): boolean;
  /** They were asked for since: what was compiled after that is right. */
  isKnown(service: ServiceKey): boolean;
  /** Undefined: it has none any more. */
  records(service: ServiceKey): ServiceRecords | undefined;
}

export const NOTHING_AHEAD: AheadOfZone = {
  size: 0,
  has: () => false,
  isKnown: () => false,
  records: () => undefined,
};
