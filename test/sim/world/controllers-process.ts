import type { Row } from "../../../api/broker/row.ts";
import type { ServiceKey } from "../../../api/service-key.ts";
import type { BrokerLink } from "../../../broker/client/broker-link.ts";
import type { MemberLink } from "../../../broker/client/member-link.ts";
import type { MemoryBroker } from "../../../broker/client/memory/memory-broker.ts";
import { underlayBackend } from "../../../connectivity/underlay/underlay-backend.ts";
import { MemberControllers } from "../../../controllers/member-controllers.ts";
import { SHARE_EVERYTHING } from "../../../controllers/policy/member-policy.ts";
import { unchanging } from "../../../runtime/config/changing.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { InMemoryKubeClient } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import type { Report } from "../check/violation.ts";
import type { KubeFaults } from "./kube-faults.ts";
import { overrideBrokerLink } from "./override-broker-link.ts";
import { reportingLogger } from "./reporting-logger.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { Wiring } from "./wiring.ts";

export interface ControllersProcessDeps {
  readonly cluster: SimCluster;
  readonly broker: MemoryBroker;
  readonly faults: KubeFaults;
  readonly random: Random;
  readonly wiring: Wiring;
  readonly report: Report;
  /** Own rows are handed over, as the product hands them over. */
  readonly onPublish: (service: ServiceKey, rows: readonly Row[]) => void;
  /** Called before each request of this process is handled. */
  readonly onPerform: (process: ControllersProcess) => void;
}

/** For what a planted bug says last. */
const FLUSH_MS = 50;
const DEAD: KubeError = { kind: "aborted", message: "the process is gone" };

/** One run of a member's controllers, from start to crash or graceful stop. */
export class ControllersProcess {
  /** The real link, before any wiring. */
  readonly link: MemberLink;
  readonly controllers: MemberControllers;
  readonly #client: InMemoryKubeClient;
  readonly #stop = new AbortController();
  readonly #beforeStop: (stop: () => void) => void;
  readonly #report: Report;
  #isDead = false;

  constructor(deps: ControllersProcessDeps, incarnation: number) {
    const { cluster, broker, faults, wiring, random } = deps;
    const identity = <T>(value: T): T => value;
    this.#report = deps.report;
    this.link = broker.link(cluster.id, incarnation);
    this.#client = cluster.client(
      "controllers",
      {
        intercept: (request, moment, signal) =>
          this.#isDead ? Promise.resolve(DEAD) : faults.intercept(request, moment, signal),
      },
      () => deps.onPerform(this),
    );
    const observed = overrideBrokerLink(this.link, {
      setOwnRows: (service, rows) => {
        deps.onPublish(service, rows);
        this.link.setOwnRows(service, rows);
      },
    });
    const link: BrokerLink = (wiring.link ?? identity)(observed);
    this.#beforeStop = (stop) => {
      if (wiring.beforeStop === undefined) stop();
      else wiring.beforeStop(link, () => cluster.clock.setTimer(FLUSH_MS, stop));
    };
    const client = (wiring.controllersKube ?? identity)(faults.delayWatches(this.#client));
    this.controllers = new MemberControllers(
      { cluster: cluster.id, mcsVersion: "v1beta1", localFamilies: ["IPv4"] },
      {
        client,
        link,
        backend: underlayBackend,
        policy: unchanging(SHARE_EVERYTHING),
        clock: cluster.clock,
        random,
        log: reportingLogger(`controllers of ${cluster.id}`, deps.report),
        meter: silentMeter,
      },
    );
  }

  start(): void {
    this.link.start(this.#stop.signal);
    this.controllers.run(this.#stop.signal).catch((error: unknown) => {
      this.#report("bug", `controllers ended: ${String(error)}`);
    });
  }

  /** As SIGTERM: jobs under way may end. */
  stopGracefully(): void {
    this.#beforeStop(() => this.#stop.abort());
  }

  /** As SIGKILL: nothing that was not handled yet reaches the API server. */
  crash(): void {
    this.#isDead = true;
    this.#stop.abort();
  }

  cutWatches(error: KubeError): void {
    this.#client.breakWatches(error);
  }
}
