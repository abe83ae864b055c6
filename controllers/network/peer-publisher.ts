import { parseClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { Peer } from "../../api/network/peer.ts";
import { PEERS } from "../../api/network/resources.ts";
import type { NetworkLink } from "../../broker/client/network-link.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { JobOutcome } from "../../runtime/kube/queue/work-queue.ts";
import type { OwnObjects } from "../reconcile/own-objects.ts";
import type { SpecWriter } from "./spec-writer.ts";

interface Deps {
  readonly link: Pick<NetworkLink, "networks" | "hasSynced">;
  readonly peers: ObjectView<KubeObject>;
  readonly specs: SpecWriter;
  readonly objects: OwnObjects;
}

const DONE: JobOutcome = { kind: "done" };

/** Keeps a Peer for each other member that says something of its network; the status is not its business. */
export class PeerPublisher {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Those that there are, or should be. */
  names(): ReadonlySet<string> {
    const { link, peers } = this.#deps;
    return new Set([...link.networks().keys(), ...[...peers.values()].map(nameOf)]);
  }

  async publish(name: string, signal: AbortSignal): Promise<JobOutcome> {
    const { link, peers, specs, objects } = this.#deps;
    const known = peers.get(name);
    const cluster = parseClusterId(name);
    const row = cluster.ok ? link.networks().get(cluster.value) : undefined;
    if (row !== undefined) {
      const { kind: _kind, ...facts } = row;
      const spec: Peer["spec"] = facts;
      return (await specs.write({ resource: PEERS, name, spec }, known, signal)) ?? DONE;
    }
    // Unknown is not none (I6): before the first sync a peer of an earlier process stays.
    if (known === undefined || !link.hasSynced()) return DONE;
    const removed = await objects.remove(PEERS, known, signal);
    return removed.ok ? DONE : { kind: "failed", error: removed.error };
  }
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name;
}
