import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { AddressedEndpoint, ReachableSlice } from "../../connectivity/backend.ts";
import type { PathHealth, PathSelection } from "../../connectivity/path-selection.ts";
import { underlayBackend } from "../../connectivity/underlay/underlay-backend.ts";

/** Underlay to everybody, and for probes what a test says they have proved. */
export class ProvenPaths implements PathSelection {
  /** BOUNDED: by the clusters of a test, as what follows. */
  readonly #proven = new Map<string, PathHealth>();
  readonly #listeners = new Set<(peers: ReadonlySet<ClusterId>) => void>();

  advertise(endpoint: AddressedEndpoint): AddressedEndpoint | undefined {
    return underlayBackend.advertise(endpoint);
  }

  reach(peer: ClusterId, service: ServiceKey, slice: ReachableSlice): ReachableSlice | undefined {
    return underlayBackend.reach(peer, service, slice);
  }

  health(peer: ClusterId, service?: ServiceKey): PathHealth {
    return this.#proven.get(`${peer}:${service}`) ?? this.#proven.get(peer) ?? "unknown";
  }

  /** @param service where only that one is pinned to a path that shows it */
  prove(peer: ClusterId, health: PathHealth, service?: ServiceKey): void {
    this.#proven.set(service === undefined ? peer : `${peer}:${service}`, health);
    for (const listener of this.#listeners) listener(new Set([peer]));
  }

  subscribe(listener: (peers: ReadonlySet<ClusterId>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
