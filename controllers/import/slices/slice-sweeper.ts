import type { ClusterId } from "../../../api/cluster-id.ts";
import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import {
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
  MANAGED_BY,
} from "../../../api/mcs/labels.ts";
import { type ServiceKey, splitServiceKey } from "../../../api/service-key.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { SliceSweep } from "./plan-sweeps.ts";

export interface SliceSweeperDeps {
  readonly client: Pick<KubeClient, "deleteCollection">;
  readonly isLost: (cluster: ClusterId, service: ServiceKey) => boolean;
  /** Told of the services of a request that failed: they are as they were, or not quite. */
  readonly onLeft: (services: readonly ServiceKey[]) => void;
  readonly log: Logger;
}

/** Requests under way, as many as an API server gets of a first sync's writes. */
const CONCURRENCY = 8;
/** Of one request, which is not given up before: what a stop leaves under way would be written by nobody knows whom. */
const REQUEST_MS = 5_000;

/**
 * Deletes slices of lost clusters a namespace at a time: thousands of requests would keep clients waiting for the last of
 * them. It takes no part in deciding; whoever is told of the deletions by a watch looks at the services again.
 */
export class SliceSweeper {
  readonly #deps: SliceSweeperDeps;
  readonly #signal = new AbortController().signal;
  /** BOUNDED: by the services of the view times the clusters that are lost. */
  readonly #waiting: SliceSweep[] = [];
  /** BOUNDED: by CONCURRENCY. */
  readonly #workers = new Set<Promise<void>>();

  constructor(deps: SliceSweeperDeps) {
    this.#deps = deps;
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.#workers.size === 0;
  }

  sweep(sweeps: readonly SliceSweep[]): void {
    for (const sweep of sweeps) this.#waiting.push(sweep);
    const wanted = Math.min(CONCURRENCY, this.#workers.size + this.#waiting.length);
    while (this.#workers.size < wanted) {
      const worker = this.#work().finally(() => this.#workers.delete(worker));
      this.#workers.add(worker);
    }
  }

  /** Nothing new is begun. */
  stop(): void {
    this.#waiting.length = 0;
  }

  /** Resolves when nothing is under way. */
  async stopped(): Promise<void> {
    await Promise.all(this.#workers);
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    // Who comes first takes one when all have their places.
    await Promise.resolve();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#delete(next);
    }
  }

  async #delete(sweep: SliceSweep): Promise<void> {
    const { client, isLost, onLeft, log } = this.#deps;
    const { namespace, cluster } = sweep;
    // Who came back while others were deleted keeps what is left.
    const services = sweep.services.filter((service) => isLost(cluster, service));
    if (services.length === 0) return;
    const deleted = await client.deleteCollection(
      ENDPOINT_SLICES,
      { namespace, labelSelector: selectorOf(cluster, services) },
      { signal: this.#signal, timeoutMs: REQUEST_MS },
    );
    if (deleted.ok) return;
    const why = { namespace, cluster, err: deleted.error };
    log.warn("slices of a lost cluster are deleted one by one", why);
    onLeft(services);
  }
}

/** Ours alone (I3). */
function selectorOf(cluster: ClusterId, services: readonly ServiceKey[]): string {
  const names = services.map((service) => splitServiceKey(service).name);
  return [
    `${LABEL_MANAGED_BY}=${MANAGED_BY}`,
    `${LABEL_SOURCE_CLUSTER}=${cluster}`,
    `${LABEL_SERVICE_NAME} in (${names.join()})`,
  ].join();
}
