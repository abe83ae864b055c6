import { NETWORK_ROW_KEY } from "../../api/broker/row.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { NetworkPublisher } from "../../controllers/network/network-publisher.ts";
import type { Telling } from "./own-responder.ts";

/** How far others are with what this member says of its network. */
export function telling(
  link: Pick<BrokerLink, "status" | "isStored">,
  network: Pick<NetworkPublisher, "idle"> | undefined,
): Telling {
  if (network === undefined || link.status().kind !== "connected") return "cannot";
  return network.idle && link.isStored(NETWORK_ROW_KEY) ? "told" : "waiting";
}
