import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";

/** A listener that slices ask for. */
export interface WantedListener {
  readonly peer: ClusterId;
  readonly namespace: string;
  readonly name: string;
  /** Name of the service's port. */
  readonly port: string;
  readonly protocol: "tcp" | "udp";
}

/** `tcp 20017` and the like. */
export type ListenerSlot = `${"tcp" | "udp"} ${number}`;

/**
 * Where this proxy must listen, and for what: wherever a peer's MCS slice sends clients to an address of ours. Nothing else has to
 * be agreed with the controllers, and what is not imported has no listener.
 */
export class ImportBook {
  readonly #own: ReadonlySet<string>;
  readonly #cluster: ClusterId;
  /** By `namespace/name` of the slice. BOUNDED: by what is imported. */
  readonly #slices = new Map<string, readonly (readonly [ListenerSlot, WantedListener])[]>();

  constructor(cluster: ClusterId, ownAddresses: readonly string[]) {
    this.#cluster = cluster;
    this.#own = new Set(ownAddresses);
  }

  put(slice: EndpointSlice): void {
    const listeners = this.#listenersOf(slice);
    if (listeners.length === 0) this.#slices.delete(nameOf(slice));
    else this.#slices.set(nameOf(slice), listeners);
  }

  /** Where clients are sent to us by this slice. */
  slotsOf(slice: EndpointSlice): readonly ListenerSlot[] {
    return this.#listenersOf(slice).map(([slot]) => slot);
  }

  remove(slice: EndpointSlice): void {
    this.#slices.delete(nameOf(slice));
  }

  /** Of two slices that claim one port for different things the first by name has it. */
  wanted(): ReadonlyMap<ListenerSlot, WantedListener> {
    const wanted = new Map<ListenerSlot, WantedListener>();
    for (const name of [...this.#slices.keys()].toSorted()) {
      for (const [slot, listener] of this.#slices.get(name) ?? []) {
        if (!wanted.has(slot)) wanted.set(slot, listener);
      }
    }
    return wanted;
  }

  #listenersOf(slice: EndpointSlice): readonly (readonly [ListenerSlot, WantedListener])[] {
    const { namespace, labels } = slice.metadata;
    const name = labels?.[LABEL_SERVICE_NAME];
    const source = parseClusterId(labels?.[LABEL_SOURCE_CLUSTER] ?? "");
    if (namespace === undefined || name === undefined || !source.ok) return [];
    if (source.value === this.#cluster) return [];
    const isHere = (slice.endpoints ?? []).some(({ addresses }) =>
      addresses.some((address) => this.#own.has(address)),
    );
    if (!isHere) return [];
    const peer = source.value;
    return (slice.ports ?? []).flatMap(({ name: port = "", protocol = "TCP", port: number }) => {
      const kind = protocol === "TCP" ? "tcp" : protocol === "UDP" ? "udp" : undefined;
      if (number === undefined || kind === undefined) return [];
      return [[`${kind} ${number}`, { peer, namespace, name, port, protocol: kind }] as const];
    });
  }
}

function nameOf({ metadata }: EndpointSlice): string {
  return `${metadata.namespace}/${metadata.name}`;
}
