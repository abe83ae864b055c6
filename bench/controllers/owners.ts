import { rowKey } from "../../api/broker/row.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import type { MemberLink } from "../../broker/client/member-link.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { until } from "../../sandbox/process/until.ts";
import { type Exported, exportersOf, keyOf, rowsOf, type Workload } from "./workload.ts";

type Change = Omit<Exported, "service" | "cluster">;

/** The clusters that export: real links to a real broker, without controllers behind them. They import nothing. */
export class Owners {
  readonly #identities: readonly MemberIdentity[];
  readonly #workload: Workload;
  readonly #links: readonly MemberLink[];
  readonly #stop = new AbortController();

  /** @param networks what each says about its network; absent: none takes part in connectivity. */
  constructor(
    identities: readonly MemberIdentity[],
    workload: Workload,
    networks?: readonly NetworkFacts[],
  ) {
    this.#identities = identities;
    this.#workload = workload;
    this.#links = identities.map((identity, at) => {
      const facts = networks?.[at];
      const link = createGrpcBrokerLink(
        { identity: () => identity, hasNetwork: facts !== undefined },
        { clock, random, log },
      );
      if (facts !== undefined) link.setOwnNetwork(facts);
      link.setNamespaces(new Set());
      link.start(this.#stop.signal);
      return link;
    });
  }

  /** Exports everything; resolves when the broker has stored it all. */
  async fill(): Promise<void> {
    for (let service = 0; service < this.#workload.services; service++) {
      for (const cluster of exportersOf(service, this.#workload)) this.export(service, cluster);
    }
    for (const link of this.#links) link.markOwnComplete();
    for (let service = 0; service < this.#workload.services; service++) {
      for (const cluster of exportersOf(service, this.#workload)) {
        await this.#stored(service, cluster);
      }
    }
  }

  /** `cluster` exports the service, or exports it differently. */
  export(service: number, cluster: number, change: Change = {}): void {
    const { link, identity } = this.#at(cluster);
    const exported = { service, cluster: identity.clusterId, ...change };
    link.setOwnRows(keyOf(service, this.#workload), rowsOf(exported, this.#workload));
  }

  withdraw(service: number, cluster: number): void {
    this.#at(cluster).link.setOwnRows(keyOf(service, this.#workload), []);
  }

  stop(): void {
    this.#stop.abort();
  }

  #at(cluster: number): { readonly link: MemberLink; readonly identity: MemberIdentity } {
    const at = cluster % this.#links.length;
    const [link, identity] = [this.#links[at], this.#identities[at]];
    if (link === undefined || identity === undefined)
      throw new Error("clusters must be at least 1");
    return { link, identity };
  }

  async #stored(service: number, cluster: number): Promise<void> {
    const { link, identity } = this.#at(cluster);
    const rows = rowsOf({ service, cluster: identity.clusterId }, this.#workload);
    const options = { clock, timeoutMs: 120_000, signal: this.#stop.signal };
    const isStored = (): true | undefined =>
      rows.every((row) => link.isStored(rowKey(row))) ? true : undefined;
    await until(`svc-${service} to be stored`, isStored, options);
  }
}
