import type { NetworkRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";
import type { Result } from "../../api/result.ts";
import type { GlobalBlock, GlobalNeed } from "../globals/global-block.ts";
import type { BrokerLink } from "./broker-link.ts";

export type { GlobalBlock, GlobalNeed };

/**
 * What a member that takes part in connectivity sees of the broker besides services. As with BrokerLink, calls never wait
 * and, but for one, never fail, and what is known stays known through disconnections (I7). `subscribe` tells of changes as
 * `networks-changed`.
 */
export interface NetworkLink
  extends Pick<BrokerLink, "subscribe" | "refusal" | "hasSynced" | "peers"> {
  /**
   * What this cluster needs global addresses for. A change begins a new stream: the broker is asked in Hello. Error: the broker
   * could not read it; it is not asked, and what it was asked before stands.
   */
  setGlobalNeed(need: GlobalNeed): Result<void, string>;

  /** What the broker last gave for the need as it was then; undefined: it has not answered yet. */
  globalBlock(): GlobalBlock | undefined;

  /** Replaces what this cluster says about its network; undefined withdraws it. */
  setOwnNetwork(facts: NetworkFacts | undefined): void;

  /** What the other clusters say about theirs, as last known. */
  networks(): ReadonlyMap<ClusterId, NetworkRow>;
}
