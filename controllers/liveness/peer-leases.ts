import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { microTime } from "../../api/kube/micro-time.ts";
import { apiVersionOf } from "../../api/kube/object.ts";
import { livenessOf } from "../../api/liveness.ts";
import {
  ANNOTATION_LIVENESS,
  ANNOTATION_SILENT_SINCE,
  LABEL_MANAGED_BY,
  LABEL_SOURCE_CLUSTER,
  MANAGED_BY,
} from "../../api/mcs/labels.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { type JobOutcome, WorkQueue } from "../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { isOwn } from "../reconcile/is-own.ts";
import { OwnObjects } from "../reconcile/own-objects.ts";

export interface PeerLeasesOptions {
  /** Where the Leases live; it must exist. */
  readonly namespace: string;
  /** Finite; see PeerWatchOptions. */
  readonly staleAfterMs: number;
}

export interface PeerLeasesDeps {
  readonly client: KubeClient;
  readonly link: Pick<BrokerLink, "peers" | "status" | "subscribe" | "hasSynced">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Name of a source cluster's Lease. */
function peerLeaseName(cluster: ClusterId): string {
  return `isthmus-peer-${cluster}`;
}

/** So that two renewals may fail before a Lease of a living cluster expires. */
const RENEWALS_PER_LEASE = 3;
const NAMESPACE_RETRY_MS = 60_000;

/**
 * One Lease per source cluster, renewed while the broker confirms that it is connected (CLN-06), so that anybody with kubectl
 * sees who is heard and since when not: who is not is marked suspect or gone (ANNOTATION_LIVENESS). It mirrors what PeerWatch decides by, and decides nothing itself: with the broker
 * away nobody is confirmed, Leases expire, and endpoints stay (I7).
 */
export class PeerLeases {
  readonly #options: PeerLeasesOptions;
  readonly #deps: PeerLeasesDeps;
  readonly #objects: OwnObjects;
  readonly #queue: WorkQueue;
  #isNamespaceMissing = false;

  constructor(options: PeerLeasesOptions, deps: PeerLeasesDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.client);
    this.#queue = new WorkQueue(
      { name: "peer-leases" },
      (key, signal) => this.#reconcile(key as ClusterId, signal),
      deps,
    );
  }

  /** Until the signal aborts. Leases are left as they are: they expire. */
  async run(signal: AbortSignal): Promise<void> {
    const { link } = this.#deps;
    const unsubscribe = link.subscribe((event) => {
      if (event.kind !== "peers-changed") return;
      for (const cluster of event.clusters === "all" ? link.peers().keys() : event.clusters) {
        this.#queue.add(cluster);
      }
    });
    for (const cluster of link.peers().keys()) this.#queue.add(cluster);
    this.#queue.start(signal);
    await this.#addStanding(signal);
    await this.#queue.stopped();
    unsubscribe();
  }

  /** Leases of an earlier process: of clusters that have left since, too. */
  async #addStanding(signal: AbortSignal): Promise<void> {
    const { namespace } = this.#options;
    const labelSelector = `${LABEL_MANAGED_BY}=${MANAGED_BY},${LABEL_SOURCE_CLUSTER}`;
    const listed = await this.#deps.client.list<Lease>(
      LEASES,
      { namespace, labelSelector },
      { signal },
    );
    if (!listed.ok) {
      if (listed.error.kind === "aborted") return;
      this.#deps.log.warn("peer leases not listed", { namespace, err: listed.error });
      return;
    }
    for (const { metadata } of listed.value.items) {
      const cluster = parseClusterId(metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "");
      if (cluster.ok) this.#queue.add(cluster.value);
    }
  }

  async #reconcile(cluster: ClusterId, signal: AbortSignal): Promise<JobOutcome> {
    const { link, clock, random } = this.#deps;
    const status = link.status();
    if (status.kind !== "connected" || !status.synced) return DONE;
    const peer = link.peers().get(cluster);
    if (peer === undefined || peer.kind === "left") return this.#remove(cluster, signal);
    if (peer.kind === "disconnected") return this.#mark(cluster, peer.sinceMs, signal);
    const renewed = await this.#renew(cluster, microTime(clock.nowMs()), signal);
    if (renewed?.kind === "not-found") return this.#waitForNamespace();
    if (renewed !== undefined) return failed(renewed);
    this.#isNamespaceMissing = false;
    const delayMs = this.#options.staleAfterMs / RENEWALS_PER_LEASE;
    // Spread, so that the Leases of many clusters are not written at once.
    return { kind: "again-after", delayMs: delayMs * (0.9 + 0.1 * random.next()) };
  }

  /** Leases show, they do not decide: without a place for them everything else goes on. */
  #waitForNamespace(): JobOutcome {
    const { namespace } = this.#options;
    if (!this.#isNamespaceMissing) {
      this.#deps.log.warn("leases of clusters cannot be kept: namespace is missing", { namespace });
    }
    this.#isNamespaceMissing = true;
    return { kind: "again-after", delayMs: NAMESPACE_RETRY_MS };
  }

  async #renew(
    cluster: ClusterId,
    stamp: string,
    signal: AbortSignal,
  ): Promise<KubeError | undefined> {
    const ref = this.#ref(cluster);
    const found = await this.#deps.client.get<Lease>(ref, { signal });
    if (!found.ok && found.error.kind !== "not-found") return found.error;
    const leaseDurationSeconds = Math.max(1, Math.ceil(this.#options.staleAfterMs / 1_000));
    const spec = { holderIdentity: cluster, leaseDurationSeconds, renewTime: stamp };
    const make = (): Lease => ({
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: {
        namespace: ref.namespace,
        name: ref.name,
        labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_SOURCE_CLUSTER]: cluster },
      },
      spec: { ...spec, acquireTime: stamp },
    });
    const lease = await this.#objects.ensure(LEASES, found.ok ? found.value : undefined, {
      make,
      signal,
    });
    if (!lease.ok) return lease.error;
    if (lease.value === "foreign" || lease.value.spec?.renewTime === stamp) return undefined;
    const isMarked = lease.value.metadata.annotations?.[ANNOTATION_LIVENESS] !== undefined;
    const patch = { spec, ...(isMarked && { metadata: { annotations: UNMARKED } }) };
    const patched = await this.#objects.patch(LEASES, lease.value, { patch, signal });
    return patched.ok ? undefined : patched.error;
  }

  /** Says what is known of who is not connected; once when it falls silent, and once when it is gone. */
  async #mark(cluster: ClusterId, sinceMs: number, signal: AbortSignal): Promise<JobOutcome> {
    const { client, clock } = this.#deps;
    const { staleAfterMs } = this.#options;
    const found = await client.get<Lease>(this.#ref(cluster), { signal });
    if (!found.ok) return found.error.kind === "not-found" ? DONE : failed(found.error);
    if (!isOwn(found.value)) return DONE;
    const silentMs = Math.max(0, clock.monotonicMs() - sinceMs);
    const liveness = livenessOf(silentMs, staleAfterMs);
    const present = found.value.metadata.annotations ?? {};
    if (present[ANNOTATION_LIVENESS] !== liveness) {
      const since = new Date(clock.nowMs() - silentMs).toISOString();
      const annotations = { [ANNOTATION_LIVENESS]: liveness, [ANNOTATION_SILENT_SINCE]: since };
      const patch = { metadata: { annotations } };
      const patched = await this.#objects.patch(LEASES, found.value, { patch, signal });
      if (!patched.ok) return failed(patched.error);
    }
    return liveness === "gone" ? DONE : { kind: "again-after", delayMs: staleAfterMs - silentMs };
  }

  async #remove(cluster: ClusterId, signal: AbortSignal): Promise<JobOutcome> {
    const found = await this.#deps.client.get<Lease>(this.#ref(cluster), { signal });
    if (!found.ok) return found.error.kind === "not-found" ? DONE : failed(found.error);
    if (!isOwn(found.value)) return DONE;
    const removed = await this.#objects.remove(LEASES, found.value, signal);
    return removed.ok ? DONE : failed(removed.error);
  }

  #ref(cluster: ClusterId): { resource: typeof LEASES; namespace: string; name: string } {
    return {
      resource: LEASES,
      namespace: this.#options.namespace,
      name: peerLeaseName(cluster),
    };
  }
}

const DONE: JobOutcome = { kind: "done" };
const UNMARKED = { [ANNOTATION_LIVENESS]: null, [ANNOTATION_SILENT_SINCE]: null };

function failed(error: KubeError): JobOutcome {
  if (error.kind === "aborted") return DONE;
  return { kind: "failed", error, isOrdinary: error.kind === "conflict" };
}
