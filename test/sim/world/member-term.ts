import type { ServiceRow } from "../../../api/broker/row.ts";
import type { IpFamily } from "../../../api/kube/service.ts";
import type { ServiceKey } from "../../../api/service-key.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { MemberLink } from "../../../broker/client/member-link.ts";
import type { MemoryBroker } from "../../../broker/client/memory/memory-broker.ts";
import type { SavedState } from "../../../broker/client/saved/saved-state.ts";
import type { Telling } from "../../../cli/paths/own-responder.ts";
import { peerStreams } from "../../../cli/paths/peer-streams.ts";
import type { RunningPaths } from "../../../cli/paths/start-paths.ts";
import { telling } from "../../../cli/paths/telling.ts";
import { untestedSelection } from "../../../connectivity/path-selection.ts";
import { underlayBackend } from "../../../connectivity/underlay/underlay-backend.ts";
import { electGateways } from "../../../connectivity/vxlan/election/elect-gateways.ts";
import { MemberControllers } from "../../../controllers/member-controllers.ts";
import { NetworkPublisher } from "../../../controllers/network/network-publisher.ts";
import { SHARE_EVERYTHING } from "../../../controllers/policy/member-policy.ts";
import { unchanging } from "../../../runtime/config/changing.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Report } from "../check/violation.ts";
import type { MemberPaths } from "../paths/member-paths.ts";
import { overrideBrokerLink } from "./override-broker-link.ts";
import { reportingLogger } from "./reporting-logger.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { Wiring } from "./wiring.ts";

export interface MemberTermDeps {
  readonly cluster: SimCluster;
  readonly families: readonly IpFamily[];
  readonly broker: MemoryBroker;
  readonly random: Random;
  readonly wiring: Wiring;
  readonly report: Report;
  /** Present: the member takes part in connectivity. */
  readonly paths?: MemberPaths | undefined;
  /** Own rows are handed over, as the product hands them over. */
  readonly onPublish: (service: ServiceKey, rows: readonly ServiceRow[]) => void;
}

export interface TermStart {
  readonly incarnation: number;
  readonly saved?: SavedState | undefined;
  readonly paths?: RunningPaths | undefined;
}

/** One life of a member's controllers, as `cli/controllers/run-member.ts` makes one: from a start or an election to the end of it. */
export class MemberTerm {
  /** The real link, before any wiring. */
  readonly link: MemberLink;
  /** What the controllers were given. */
  readonly wiredLink: BrokerLink;
  readonly controllers: MemberControllers;
  readonly #network: NetworkPublisher | undefined;
  readonly #deps: MemberTermDeps;
  readonly #paths: RunningPaths | undefined;

  constructor(deps: MemberTermDeps, client: KubeClient, { incarnation, saved, paths }: TermStart) {
    this.#deps = deps;
    this.#paths = paths;
    const { cluster, families, broker, wiring, random } = deps;
    this.link = broker.link(cluster.id, incarnation, [], paths !== undefined, saved);
    const observed = overrideBrokerLink(this.link, {
      setOwnRows: (service, rows) => {
        deps.onPublish(service, rows);
        this.link.setOwnRows(service, rows);
      },
    });
    this.wiredLink = wiring.link?.(observed) ?? observed;
    const selection = paths?.selector ?? untestedSelection(underlayBackend);
    const log = reportingLogger(`controllers of ${cluster.id}`, deps.report);
    this.controllers = new MemberControllers(
      {
        cluster: cluster.id,
        mcsVersion: "v1beta1",
        localFamilies: wiring.localFamilies?.(families) ?? families,
      },
      {
        client: wiring.controllersKube?.(client) ?? client,
        link: this.wiredLink,
        paths: wiring.selection?.(selection, cluster.clock) ?? selection,
        ...(paths === undefined ? {} : { told: paths }),
        policy: unchanging(SHARE_EVERYTHING),
        clock: cluster.clock,
        random,
        log,
        meter: silentMeter,
      },
    );
    if (paths === undefined || deps.paths === undefined) return;
    this.#network = new NetworkPublisher(
      { cluster: cluster.id, ...deps.paths.network, abilities: paths.facts, electGateways },
      {
        client: wiring.controllersKube?.(client) ?? client,
        link: this.link,
        events: this.controllers.events,
        clock: cluster.clock,
        random,
        log,
        meter: silentMeter,
      },
    );
  }

  /** Nothing waits to be written. */
  get idle(): boolean {
    return this.controllers.idle && this.#network?.idle !== false;
  }

  /** How far others are with what this member says of its network. */
  get telling(): Telling {
    return telling(this.link, this.#network);
  }

  /** Until the signal aborts and what is under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { cluster, wiring } = this.#deps;
    const streams = peerStreams(this.link, cluster.clock, signal);
    this.#paths?.selector.followStreams(wiring.streams?.(streams) ?? streams, signal);
    this.link.start(signal);
    await Promise.all([this.controllers.run(signal), this.#network?.run(signal)]);
  }
}
