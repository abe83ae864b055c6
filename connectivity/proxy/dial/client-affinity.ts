import { LRUCache } from "lru-cache";
import type { ServiceImportSpec } from "../../../api/mcs/service-import.ts";
import { addressText } from "../../../api/network/address-bytes.ts";
import type { ServiceOpen } from "../frame/open-header.ts";
import type { Candidate } from "./export-book.ts";

/** Default of `sessionAffinityConfig.clientIP.timeoutSeconds` (Service v1). */
const DEFAULT_SECONDS = 10_800;

/** A client of one port that is to come back to the same endpoint. */
export interface StickyClient {
  /** Bytes of its address. */
  readonly address: Uint8Array;
  /** Of the client and of the port that it asks for: each port of a Service has an affinity of its own, as kube-proxy does it. */
  readonly key: string;
  /** Without a new connection for so long it is free. */
  readonly timeoutMs: number;
}

/** Undefined: the service asks for no affinity. */
export function stickyClient(
  { namespace, name, port, protocol, client }: ServiceOpen,
  facts: Pick<ServiceImportSpec, "sessionAffinity" | "sessionAffinityConfig"> | undefined,
): StickyClient | undefined {
  if (facts?.sessionAffinity !== "ClientIP") return undefined;
  const seconds = facts.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_SECONDS;
  return {
    address: client.address,
    key: `${namespace}/${name} ${port} ${protocol} ${addressText(client.address)}`,
    timeoutMs: seconds * 1000,
  };
}

/**
 * Where clients were lately. Who has been away for longer than the timeout, or was never here, goes where the hash of its address
 * leads: proxies that have not seen it agree on that. Time is an input.
 *
 * BOUNDED: by `clientsMax`; of who was here longest ago the hash alone speaks.
 */
export class ClientAffinity {
  readonly #places: LRUCache<string, { readonly endpoint: string; readonly usedMs: number }>;

  constructor(clientsMax: number) {
    this.#places = new LRUCache({ max: clientsMax });
  }

  /** The endpoint that it was connected to last, if that counts still. */
  endpointOf({ key, timeoutMs }: StickyClient, nowMs: number): string | undefined {
    const place = this.#places.get(key);
    return place === undefined || nowMs - place.usedMs > timeoutMs ? undefined : place.endpoint;
  }

  connected({ key }: StickyClient, to: Candidate, nowMs: number): void {
    this.#places.set(key, { endpoint: to.key, usedMs: nowMs });
  }
}
