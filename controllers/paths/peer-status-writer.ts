import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { parsePeer } from "../../api/network/parse-network-objects.ts";
import type { PeerStatus } from "../../api/network/peer.ts";
import { PEERS } from "../../api/network/resources.ts";
import type { PathStatuses } from "../../connectivity/path-selection.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { EventRecorder } from "../events/event-recorder.ts";
import { mergeDiff } from "../reconcile/merge-diff.ts";
import { peerEvents, statusToWrite } from "./peer-status-change.ts";

export interface PeerStatusWriterDeps {
  readonly client: KubeClient;
  readonly statuses: PathStatuses;
  readonly peers: ObjectView<KubeObject>;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** Figures are told this often, changes at once. */
const FIGURES_MS = 10_000;

/** Keeps each Peer's status equal to what is known of the paths to it. */
export class PeerStatusWriter {
  readonly #deps: PeerStatusWriterDeps;
  readonly #queue: WorkQueue;

  constructor(deps: PeerStatusWriterDeps) {
    this.#deps = deps;
    this.#queue = new WorkQueue(
      { name: "peer-status" },
      (key, signal) => this.#reconcile(key as ClusterId, signal),
      deps,
    );
  }

  /** Until the signal aborts; statuses are left as they are. */
  async run(signal: AbortSignal): Promise<void> {
    const { statuses, peers } = this.#deps;
    const unsubscribes = [
      statuses.subscribeStatus((changed) => {
        for (const peer of changed) this.#queue.add(peer);
      }),
      // One that is new, or whose status somebody else has written.
      peers.subscribe((event) => {
        if (event.kind !== "changed" || event.after === undefined) return;
        const peer = parseClusterId(event.key);
        if (peer.ok) this.#queue.add(peer.value);
      }),
    ];
    for (const peer of statuses.peers()) this.#queue.add(peer);
    this.#queue.start(signal);
    await this.#queue.stopped();
    for (const unsubscribe of unsubscribes) unsubscribe();
  }

  async #reconcile(peer: ClusterId, signal: AbortSignal): Promise<JobOutcome> {
    const object = this.#deps.peers.get(peer);
    const now = this.#deps.statuses.status(peer);
    if (object === undefined || now === undefined) return { kind: "done" };
    // Spread, so that the figures of many peers are not written at once.
    const again: JobOutcome = {
      kind: "again-after",
      delayMs: FIGURES_MS * (0.9 + 0.2 * this.#deps.random.next()),
    };
    const parsed = parsePeer(object);
    const before = parsed.ok ? parsed.value.status : undefined;
    const status = statusToWrite(before, now);
    const patch = mergeDiff(asRecord(before ?? { paths: [] }), asRecord(status));
    if (patch === undefined) return again;
    const patched = await this.#deps.client.mergePatch(
      { resource: PEERS, name: peer },
      { status: patch },
      { signal, subresource: "status" },
    );
    if (patched.ok) {
      for (const draft of peerEvents(before, status)) {
        this.#deps.events.record(object, draft, signal);
      }
      return again;
    }
    const { kind } = patched.error;
    if (kind === "aborted" || kind === "not-found") return { kind: "done" };
    return { kind: "failed", error: patched.error, isOrdinary: kind === "conflict" };
  }
}

function asRecord(status: PeerStatus): Readonly<Record<string, unknown>> {
  return { ...status };
}
