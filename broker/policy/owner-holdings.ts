import type { RowKey } from "../../api/broker/row.ts";
import type { OwnerView, StoredRow } from "../core/owner-rows.ts";
import { type Holdings, NO_HOLDINGS, plus } from "./check-row.ts";

/** Of a stored row, whose content need not be read for it. */
export function holdingsOfStored(key: RowKey, { endpointCount }: StoredRow): Holdings {
  return { exports: key.startsWith("export/") ? 1 : 0, endpoints: endpointCount };
}

export function holdingsOfOwner(owner: OwnerView): Holdings {
  let holdings = NO_HOLDINGS;
  for (const [key, row] of owner.rows()) holdings = plus(holdings, holdingsOfStored(key, row));
  return holdings;
}
