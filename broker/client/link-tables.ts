import type { Hello } from "../../api/broker/broker.gen.ts";
import { composeHello } from "./compose-hello.ts";
import type { MemberLinkOptions } from "./member-link-options.ts";
import { Mirror } from "./mirror.ts";
import { NetworkPart } from "./network-part.ts";
import { OwnRows } from "./own-rows.ts";
import { PeerTable } from "./peer-table.ts";
import type { SavedState } from "./saved/saved-state.ts";
import { SlicePart } from "./slice-part.ts";
import { Subscription } from "./subscription.ts";

/** All that a member knows of what the two sides hold, across streams, and what of it outlives the process. */
export class LinkTables {
  readonly subscription = new Subscription();
  readonly mirror = new Mirror(this.subscription);
  readonly own = new OwnRows();
  readonly peers = new PeerTable();
  /** Of a member that takes part in connectivity. */
  readonly network: NetworkPart | undefined;
  /** Of a member that keeps to slices. */
  readonly slices: SlicePart | undefined;
  readonly #cidrs: readonly string[];

  constructor({ cidrs = [], hasNetwork, keepsSlices, saved }: MemberLinkOptions) {
    this.#cidrs = cidrs;
    this.network = hasNetwork === true ? new NetworkPart() : undefined;
    this.slices = keepsSlices === true ? new SlicePart() : undefined;
    if (saved === undefined) return;
    this.mirror.restore(saved);
    this.subscription.restore(saved.namespaces);
    this.own.restore(saved.ownRows);
    this.slices?.restore(saved.visibility);
  }

  /** For the next process. */
  saved(): SavedState {
    return {
      ...this.mirror.saved(),
      namespaces: [...this.subscription.delivered],
      ownRows: this.own.saved(),
      visibility: this.slices?.visibility ?? "",
    };
  }

  /** A stream begins: with these words. */
  begin(): Hello {
    const known = this.mirror.known();
    const namespaces = this.subscription.begin(known.length > 0);
    this.mirror.keepRestored(new Set(namespaces));
    return composeHello({
      storeEpoch: this.mirror.epoch,
      namespaces,
      known,
      cidrs: [...this.#cidrs],
      ownDigest: this.own.listDigest(),
      network: this.network?.hello(this.subscription.areNetworksKnown),
      visibility: this.slices?.visibility,
    });
  }

  /** The stream has ended: what it alone was told is to be told again. */
  end(): void {
    this.subscription.end();
    this.own.endSession();
  }
}
