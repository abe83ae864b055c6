import type { SliceSet } from "../../api/slices/slice-set.ts";
import type { BrokerLink } from "./broker-link.ts";

/** What a member sees of slices. `subscribe` tells of changes as `slices-changed`. */
export interface SliceLink extends Pick<BrokerLink, "subscribe"> {
  /** The slices this cluster is in, as last told (I7); undefined: the broker has not told yet. */
  slices(): SliceSet | undefined;
}
