import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type CustomResourceDefinition,
} from "../../api/kube/custom-resource-definition.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import type { McsVersion } from "../../api/mcs/service-export.ts";
import { MemoryBroker } from "../../broker/client/memory/memory-broker.ts";
import { type HubPolicy, NO_POLICY } from "../../broker/policy/cluster-policy.ts";
import { shippedCrds } from "../../cli/cluster/install-crds.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { Settable } from "../../runtime/config/settable.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import type { SlowKubeOptions } from "./slow-kube.ts";
import { TestCluster } from "./test-cluster.ts";

export interface ClusterOptions {
  /** @default IPv4 only */
  readonly families?: readonly IpFamily[];
  /** Service addresses; a small one runs out. @default one /16 per family */
  readonly serviceCidrs?: readonly string[];
  /** Of the MCS API, that the controllers use. @default v1beta1 */
  readonly mcsVersion?: McsVersion;
  /** How slow the API server is to the controllers. @default not at all */
  readonly slow?: Partial<SlowKubeOptions>;
  /** Of the Leases of source clusters. @default none are kept */
  readonly leaseNamespace?: string;
  /** Install the custom resource definitions. @default true */
  readonly crds?: boolean;
}

/** How long nothing may happen until a world counts as settled, and when waiting is given up; milliseconds of virtual time. */
const QUIET_MS = 500;
const SETTLE_MAX_MS = 600_000;
const STEP_MS = 50;

/**
 * A clusterset in one process under one virtual clock: the real API server core, broker and controllers, no sockets.
 * Dispose it, or its controllers go on waiting for time that never passes.
 */
export class MemberWorld implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly random = seededRandom(7);
  /** The hub's. */
  readonly hubPolicy = new Settable<HubPolicy>(NO_POLICY);
  readonly broker = new MemoryBroker({ latencyMs: () => 2, policy: this.hubPolicy }, this);
  readonly #clusters: TestCluster[] = [];

  /** A cluster with its definitions, and the namespace `shop`; its controllers run. */
  async member(name: string, options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = await this.cluster(name, options);
    cluster.start();
    await this.settle();
    return cluster;
  }

  /** As `member`, with controllers that do not run yet. */
  async cluster(name: string, options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(
      { id: clusterId(name), families: options.families ?? ["IPv4"], ...options },
      this,
    );
    this.#clusters.push(cluster);
    if (options.crds !== false) await this.installCrds(cluster);
    await cluster.namespace("shop");
    return cluster;
  }

  /** @param change makes the definitions those of another release. */
  async installCrds(
    cluster: TestCluster,
    change: (crd: CustomResourceDefinition) => CustomResourceDefinition = (crd) => crd,
  ): Promise<void> {
    for (const crd of shippedCrds()) {
      await cluster.create(CUSTOM_RESOURCE_DEFINITIONS, change(crd));
    }
    await this.clock.advance(100);
  }

  /** Moves time until nobody has written or waits to write for `quietMs`. */
  async settle(quietMs = QUIET_MS): Promise<void> {
    let quiet = 0;
    for (let waited = 0; waited < SETTLE_MAX_MS; waited += STEP_MS) {
      const before = this.#activity();
      await this.clock.advance(STEP_MS);
      const still = this.#activity() === before && this.#clusters.every(({ idle }) => idle);
      quiet = still ? quiet + STEP_MS : 0;
      if (quiet >= quietMs) return;
    }
    throw new Error(`not settled within ${SETTLE_MAX_MS} ms of virtual time`);
  }

  /** Settles, then makes every controller look at everything again and fails on any write (I9). */
  async expectNoChurn(): Promise<void> {
    await this.settle();
    for (const cluster of this.#clusters) cluster.clearWrites();
    for (const cluster of this.#clusters) cluster.lookAgain();
    await this.settle();
    for (const { name, writes } of this.#clusters) {
      if (writes.length > 0) {
        throw new Error(`${name} writes to an unchanged world: ${JSON.stringify(writes)}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of this.#clusters) cluster.stop();
    this.broker.stop();
    await this.clock.advance(6_000);
    for (const cluster of this.#clusters) cluster.pump.stop();
  }

  #activity(): number {
    return this.#clusters.reduce((sum, { attempts }) => sum + attempts, 0);
  }
}

function clusterId(name: string): ClusterId {
  const parsed = parseClusterId(name);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
