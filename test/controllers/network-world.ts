import type { MemberLink } from "../../broker/client/member-link.ts";
import { MemoryBroker } from "../../broker/client/memory/memory-broker.ts";
import { parsePools } from "../../broker/globals/block-book.ts";
import { GlobalAddresses } from "../../broker/globals/global-addresses.ts";
import { SpaceRecords } from "../../broker/shared/space-records.ts";
import { MemorySpace } from "../../broker/store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../../broker/store/space/memory/memory-space-server.ts";
import { electGateways } from "../../connectivity/vxlan/election/elect-gateways.ts";
import { EventRecorder } from "../../controllers/events/event-recorder.ts";
import { NetworkPublisher } from "../../controllers/network/network-publisher.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

/** Two members whose controllers take part in connectivity, over one hub that gives global addresses. */
export class NetworkWorld implements AsyncDisposable {
  readonly members = new MemberWorld();
  readonly broker: MemoryBroker;
  /** Of the last process of each. */
  readonly links = new Map<string, MemberLink>();
  readonly #stops: AbortController[] = [];

  constructor() {
    const { clock, random } = this.members;
    const records = new SpaceRecords(new MemorySpace(new MemorySpaceServer()));
    const pools = parsePools(["242.0.0.0/8"]);
    if (!pools.ok) throw new Error(pools.error);
    const table = { departed: () => undefined, member: () => undefined };
    const globals = new GlobalAddresses(pools.value, { records, table, clock, random, log });
    this.broker = new MemoryBroker({ globals, policy: this.members.hubPolicy }, this.members);
  }

  /** Returns what stops its process. */
  start(cluster: TestCluster, podCidrs: readonly string[] = []): () => Promise<void> {
    const { clock, random } = this.members;
    const stop = new AbortController();
    this.#stops.push(stop);
    const link = this.broker.link(cluster.id, 1, [], true);
    this.links.set(cluster.id, link);
    link.setNamespaces(new Set(["shop"]));
    link.start(stop.signal);
    link.markOwnComplete();
    const events = new EventRecorder(
      { instance: cluster.id },
      { client: cluster.client, clock, log, meter },
    );
    const publisher = new NetworkPublisher(
      {
        cluster: cluster.id,
        settings: { podCidrs, serviceCidrs: ["10.96.0.0/16"], encryption: "none" },
        abilities: unchanging({ backends: ["vxlan"], responders: [] }),
        fixed: [],
        electGateways,
      },
      { client: cluster.client, link, events, clock, random, log, meter },
    );
    void publisher.run(stop.signal);
    return async () => {
      stop.abort();
      await clock.advance(6000);
    };
  }

  advance(ms: number): Promise<void> {
    return this.members.clock.advance(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) stop.abort();
    this.broker.stop();
    await this.advance(6000);
    await this.members[Symbol.asyncDispose]();
  }
}
