import type { ClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { containsAddress, parseCidr } from "../../../api/network/cidr.ts";
import { formatIpAddress, parseIpAddress } from "../../../api/network/ip-address.ts";
import { mapAddressText, type PrefixMap } from "../../network/map-prefix.ts";
import { FILTER_SETS, type FilterSet } from "./filter-table.ts";

export interface FilterScope {
  readonly own: ClusterId;
  readonly maps: readonly PrefixMap[];
  /** Global networks of each peer. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
  /** Pod networks of each peer to its global ones. */
  readonly peerMaps: ReadonlyMap<string, readonly PrefixMap[]>;
}

export interface SetElement {
  readonly set: FilterSet;
  readonly element: string;
}

const PROTOCOLS: Readonly<Record<string, string>> = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };

/**
 * What one MCS EndpointSlice lets pass: a slice of the own cluster, requests to its endpoints, under the pods' addresses
 * and their global ones; a slice of a peer, requests of ours to the peer's. Addresses that are not the cluster's own are left
 * out: a slice opens no way to somewhere else. Endpoints that are dialled under their pods' addresses now, over another path,
 * are let pass under their global ones all the same: rules of nodes follow a switch of paths sooner or later than gateways
 * do, and who is sent this way a moment too early or too late is not to be refused.
 */
export function sliceElements(slice: EndpointSlice, scope: FilterScope): readonly SetElement[] {
  const source = slice.metadata.labels?.[LABEL_SOURCE_CLUSTER];
  const direction = source === scope.own ? "exported" : "imported";
  const addresses = (slice.endpoints ?? []).flatMap((endpoint) =>
    endpoint.addresses.flatMap((text) =>
      direction === "exported"
        ? bothAddresses(text, scope.maps)
        : theirAddress(text, source, scope),
    ),
  );
  const ports = (slice.ports ?? []).flatMap(({ port, protocol = "TCP" }) => {
    const name = PROTOCOLS[protocol];
    return port === undefined || name === undefined ? [] : [`${name} . ${port}`];
  });
  // Without a port nothing is offered, so there is nothing to find by echo either.
  if (ports.length === 0) return [];
  return addresses.flatMap((address) => {
    const family = address.includes(":") ? "6" : "4";
    const host: SetElement = { set: `${direction}_hosts${family}`, element: address };
    const services = ports.map(
      (port): SetElement => ({ set: `${direction}${family}`, element: `${address} . ${port}` }),
    );
    return [host, ...services];
  });
}

/** A pod's address and its global one, as a packet may have either; nothing for what is not the own cluster's. */
export function bothAddresses(text: string, maps: readonly PrefixMap[]): readonly string[] {
  const pod = parseIpAddress(text);
  const global = mapAddressText(text, maps);
  return pod.ok && global !== undefined ? [formatIpAddress(pod.value), global] : [];
}

function theirAddress(
  text: string,
  source: string | undefined,
  { maps, peers, peerMaps }: FilterScope,
): readonly string[] {
  const address = parseIpAddress(text);
  if (!address.ok) return [];
  const isTheirs = (peers.get(source ?? "") ?? []).some((network) => {
    const cidr = parseCidr(network);
    return cidr.ok && containsAddress(cidr.value, address.value);
  });
  if (isTheirs) return [formatIpAddress(address.value)];
  // Where both have the network it may be one of ours, as a proxy's.
  if (mapAddressText(text, maps) !== undefined) return [];
  const global = mapAddressText(text, peerMaps.get(source ?? "") ?? []);
  return global === undefined ? [] : [global];
}

/** What of a set changes. */
export interface SetChange {
  readonly set: FilterSet;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/**
 * The contents of the filter's sets, as the union of what slices let pass. A change of one slice costs by the size of that
 * slice, whatever the sets hold.
 */
export class FilterContents {
  /** BOUNDED: by the slices of the view that feeds it. */
  readonly #slices = new Map<string, readonly SetElement[]>();
  /** How many slices let an element pass. BOUNDED: by the same. */
  readonly #counts = new Map<FilterSet, Map<string, number>>(
    FILTER_SETS.map((set) => [set, new Map()]),
  );
  /** Elements that may differ from what was last taken, and whether they were in it. BOUNDED: by the same. */
  readonly #touched = new Map<FilterSet, Map<string, boolean>>();

  /** Replaces what the slice of this key lets pass; nothing for a slice that is gone. */
  set(key: string, elements: readonly SetElement[]): void {
    const before = this.#slices.get(key) ?? [];
    for (const element of elements) this.#count(element, 1);
    for (const element of before) this.#count(element, -1);
    if (elements.length === 0) this.#slices.delete(key);
    else this.#slices.set(key, elements);
  }

  /** What the slice of this key lets pass. */
  of(key: string): readonly SetElement[] {
    return this.#slices.get(key) ?? [];
  }

  keys(): IterableIterator<string> {
    return this.#slices.keys();
  }

  /** Everything, for a kernel that has nothing. */
  elements(set: FilterSet): readonly string[] {
    return [...(this.#counts.get(set)?.keys() ?? [])];
  }

  size(set: FilterSet): number {
    return this.#counts.get(set)?.size ?? 0;
  }

  /** Differences to what was last taken; taken are they now. */
  takeChanges(): readonly SetChange[] {
    const changes = [...this.#touched].flatMap(([set, touched]) => {
      const counts = this.#counts.get(set);
      const add: string[] = [];
      const remove: string[] = [];
      for (const [element, wasThere] of touched) {
        const isThere = counts?.has(element) ?? false;
        if (isThere && !wasThere) add.push(element);
        if (!isThere && wasThere) remove.push(element);
      }
      return add.length + remove.length === 0 ? [] : [{ set, add, remove }];
    });
    this.#touched.clear();
    return changes;
  }

  #count({ set, element }: SetElement, by: 1 | -1): void {
    const counts = this.#counts.get(set);
    if (counts === undefined) return;
    const before = counts.get(element) ?? 0;
    const touched = this.#touched.get(set) ?? new Map<string, boolean>();
    if (!touched.has(element)) touched.set(element, before > 0);
    this.#touched.set(set, touched);
    if (before + by > 0) counts.set(element, before + by);
    else counts.delete(element);
  }
}
