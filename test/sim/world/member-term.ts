import type { ServiceRow } from "../../../api/broker/row.ts";
import type { IpFamily } from "../../../api/kube/service.ts";
import type { ServiceKey } from "../../../api/service-key.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { MemberLink } from "../../../broker/client/member-link.ts";
import type { MemoryBroker } from "../../../broker/client/memory/memory-broker.ts";
import type { SavedState } from "../../../broker/client/saved/saved-state.ts";
import { untestedSelection } from "../../../connectivity/path-selection.ts";
import { underlayBackend } from "../../../connectivity/underlay/underlay-backend.ts";
import { MemberControllers } from "../../../controllers/member-controllers.ts";
import { SHARE_EVERYTHING } from "../../../controllers/policy/member-policy.ts";
import { unchanging } from "../../../runtime/config/changing.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Report } from "../check/violation.ts";
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
  /** Own rows are handed over, as the product hands them over. */
  readonly onPublish: (service: ServiceKey, rows: readonly ServiceRow[]) => void;
}

/** One life of a member's controllers, as `cli/run-member.ts` makes one: from a start or an election to the end of it. */
export class MemberTerm {
  /** The real link, before any wiring. */
  readonly link: MemberLink;
  /** What the controllers were given. */
  readonly wiredLink: BrokerLink;
  readonly controllers: MemberControllers;

  constructor(
    deps: MemberTermDeps,
    client: KubeClient,
    {
      incarnation,
      saved,
    }: { readonly incarnation: number; readonly saved?: SavedState | undefined },
  ) {
    const { cluster, families, broker, wiring, random } = deps;
    this.link = broker.link(cluster.id, incarnation, [], false, saved);
    const observed = overrideBrokerLink(this.link, {
      setOwnRows: (service, rows) => {
        deps.onPublish(service, rows);
        this.link.setOwnRows(service, rows);
      },
    });
    this.wiredLink = wiring.link?.(observed) ?? observed;
    this.controllers = new MemberControllers(
      {
        cluster: cluster.id,
        mcsVersion: "v1beta1",
        localFamilies: wiring.localFamilies?.(families) ?? families,
      },
      {
        client: wiring.controllersKube?.(client) ?? client,
        link: this.wiredLink,
        paths: untestedSelection(underlayBackend),
        policy: unchanging(SHARE_EVERYTHING),
        clock: cluster.clock,
        random,
        log: reportingLogger(`controllers of ${cluster.id}`, deps.report),
        meter: silentMeter,
      },
    );
  }

  /** Until the signal aborts and what is under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.link.start(signal);
    await this.controllers.run(signal);
  }
}
