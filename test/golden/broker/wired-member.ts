import { NETWORK_ROW_KEY, rowKey, type ServiceRow } from "../../../api/broker/row.ts";
import { parseServiceKey, type ServiceKey } from "../../../api/service-key.ts";
import { MemberLink } from "../../../broker/client/member-link.ts";
import type { SyncTransport } from "../../../broker/client/sync-transport.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import type { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger as log } from "../../../runtime/log/silent-log.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { MemberAct } from "./recording.ts";

/** Today's member over any transport, which does what a recording says that it did. */
export class WiredMember {
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #open: (incarnation: number) => SyncTransport["open"];
  #link: MemberLink | undefined;
  #stop = new AbortController();
  #hasNetwork = false;
  readonly #own = new Map<ServiceKey, readonly ServiceRow[]>();

  constructor(
    name: string,
    clock: VirtualClock,
    open: (incarnation: number) => SyncTransport["open"],
  ) {
    this.name = name;
    this.#clock = clock;
    this.#open = open;
  }

  act(act: MemberAct): void {
    switch (act.do) {
      case "start": {
        this.#stop = new AbortController();
        this.#own.clear();
        const transport = { open: this.#open(act.incarnation), close: () => undefined };
        const random = seededRandom(this.name.length);
        this.#hasNetwork = act.hasNetwork === true;
        const options = {
          clusterId: testCluster(this.name),
          cidrs: act.cidrs ?? [],
          hasNetwork: this.#hasNetwork,
        };
        this.#link = new MemberLink(options, { transport, clock: this.#clock, random, log });
        this.#link.start(this.#stop.signal);
        return;
      }
      case "stop":
        this.#stop.abort();
        return;
      case "namespaces":
        this.#link?.setNamespaces(new Set(act.names));
        return;
      case "rows": {
        const service = keyOf(act.service);
        this.#own.set(service, act.rows);
        this.#link?.setOwnRows(service, act.rows);
        return;
      }
      case "complete":
        this.#link?.markOwnComplete();
        return;
      case "need": {
        const asked = this.#link?.setGlobalNeed(act.need);
        if (asked?.ok === false) throw new Error(asked.error);
        return;
      }
      case "network":
        this.#link?.setOwnNetwork(act.facts ?? undefined);
        return;
    }
  }

  /** All that controllers could ask of it, in one order. */
  knows(): unknown {
    const link = this.#link;
    if (link === undefined) throw new Error(`${this.name} must have been started`);
    const foreign = [...link.foreignServices()]
      .sort()
      .map((key) => [key, link.foreignRows(key).toSorted(byName)]);
    const own = [...this.#own.values()]
      .flat()
      .map(rowKey)
      .sort()
      .map((key) => [key, { stored: link.isStored(key), refused: link.refusal(key) ?? null }]);
    const clusters = [...link.peers().keys()].sort();
    const peers = clusters.map((name) => [name, link.peers().get(name)?.kind]);
    return plain({
      foreign: Object.fromEntries(foreign),
      own: Object.fromEntries(own),
      peers: Object.fromEntries(peers),
      known: clusters.filter((cluster) => link.isKnown(cluster)),
      synced: link.hasSynced(),
      status: link.status(),
      ...(this.#hasNetwork ? networkOf(link) : {}),
    });
  }
}

/** Of a member that takes part in connectivity; recordings of before know nothing of it. */
function networkOf(link: MemberLink): object {
  return {
    networks: Object.fromEntries(link.networks()),
    block: link.globalBlock() ?? null,
    network: {
      stored: link.isStored(NETWORK_ROW_KEY),
      refused: link.refusal(NETWORK_ROW_KEY) ?? null,
    },
  };
}

function byName(left: ServiceRow, right: ServiceRow): number {
  return `${left.cluster} ${rowKey(left)}` < `${right.cluster} ${rowKey(right)}` ? -1 : 1;
}

/** As it is read back from a file. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function keyOf(text: string): ServiceKey {
  const key = parseServiceKey(text);
  if (!key.ok) throw new Error(key.error);
  return key.value;
}
