import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { type ServiceKey, serviceKey } from "../../../api/service-key.ts";
import type { ServiceOpen } from "../frame/open-header.ts";

/** One address and port that an exported service has. */
export interface Candidate {
  readonly address: string;
  readonly port: number;
  readonly isReady: boolean;
  /** Ready, or terminating and still serving. */
  readonly isServing: boolean;
  readonly hostname: string;
  /** Tells endpoints apart. */
  readonly key: string;
}

/** Answers that are kept of one service: more ports and hostnames than that are looked up each time. */
export const FOUND_MAX = 256;

type Wanted = Pick<ServiceOpen, "namespace" | "name" | "port" | "protocol" | "hostname">;

/**
 * What peers may reach: the exported ports of exported endpoints, which the own cluster's MCS slices are, and nothing else.
 * Whatever a peer asks for is looked up here by name; it cannot name an address.
 */
export class ExportBook {
  /** By service, then by name of the slice. BOUNDED: by the own exports. */
  readonly #slices = new Map<ServiceKey, Map<string, EndpointSlice>>();
  /** What was found, by what was asked for, until a slice of the service changes: it is asked for each connection. BOUNDED: by FOUND_MAX of a service. */
  readonly #found = new Map<ServiceKey, Map<string, readonly Candidate[]>>();

  put(slice: EndpointSlice): void {
    const key = keyOf(slice);
    if (key === undefined) return;
    const slices = this.#slices.get(key) ?? new Map<string, EndpointSlice>();
    this.#slices.set(key, slices.set(slice.metadata.name, slice));
    this.#found.delete(key);
  }

  remove(slice: EndpointSlice): void {
    const key = keyOf(slice);
    const slices = key === undefined ? undefined : this.#slices.get(key);
    if (key === undefined || slices === undefined) return;
    this.#found.delete(key);
    slices.delete(slice.metadata.name);
    if (slices.size === 0) this.#slices.delete(key);
  }

  /** Empty: nothing of that name is exported. */
  find(wanted: Wanted): readonly Candidate[] {
    const key = serviceKey(wanted.namespace, wanted.name);
    const slices = this.#slices.get(key);
    if (slices === undefined) return [];
    const found = this.#found.get(key) ?? new Map<string, readonly Candidate[]>();
    const what = `${wanted.protocol} ${wanted.port} ${wanted.hostname}`;
    const known = found.get(what);
    if (known !== undefined) return known;
    const candidates = [...slices.values()].flatMap((slice) => candidatesOf(slice, wanted));
    // Of names that nobody has, which a peer may make up, nothing is kept.
    if (candidates.length > 0 && found.size < FOUND_MAX) {
      this.#found.set(key, found.set(what, candidates));
    }
    return candidates;
  }
}

function keyOf({ metadata }: EndpointSlice): ServiceKey | undefined {
  const name = metadata.labels?.[LABEL_SERVICE_NAME];
  const { namespace } = metadata;
  return name === undefined || namespace === undefined ? undefined : serviceKey(namespace, name);
}

function candidatesOf(slice: EndpointSlice, wanted: Wanted): readonly Candidate[] {
  if (slice.addressType === "FQDN") return [];
  const ports = (slice.ports ?? []).flatMap(({ name = "", protocol = "TCP", port }) =>
    name === wanted.port && protocol.toLowerCase() === wanted.protocol && port !== undefined
      ? [port]
      : [],
  );
  const endpoints = (slice.endpoints ?? []).filter(
    ({ hostname = "" }) => wanted.hostname === "" || hostname === wanted.hostname,
  );
  return ports.flatMap((port) =>
    endpoints.flatMap(({ addresses, conditions, hostname = "" }) => {
      const isReady = conditions?.ready !== false;
      const isServing = isReady || conditions?.serving === true;
      // One address each: the others of an endpoint are the same thing once more (EndpointSlice v1).
      const [address] = addresses;
      if (address === undefined) return [];
      return [{ address, port, isReady, isServing, hostname, key: `${address} ${port}` }];
    }),
  );
}
