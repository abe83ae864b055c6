import { parseClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { serviceKey } from "../../../api/service-key.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { ObjectView } from "../../../runtime/kube/object-view.ts";
import type { ListenerKey, PortTable } from "./port-table.ts";

export interface PortKeeperDeps {
  readonly table: PortTable;
  /** Peers' MCS slices in this cluster: the record of what was given. */
  readonly slices: ObjectView<EndpointSlice>;
  /** Addresses of this cluster's proxies: only slices that lead there tell of their ports. */
  readonly proxies: () => readonly string[];
  readonly clock: Clock;
}

/** A port that no slice names is free after one to two of these: slices that are asked for now are written long before. */
const SWEEP_MS = 300_000;

/** Keeps the table of ports at what slices say: over restarts, and free of what is imported no more. */
export class PortKeeper {
  readonly #deps: PortKeeperDeps;
  /** All that the table holds, and what of it was asked for since the last sweep. BOUNDED: by the table. */
  readonly #keys = new Map<string, { readonly key: ListenerKey; isAsked: boolean }>();
  #timer: Timer | undefined;

  constructor(deps: PortKeeperDeps) {
    this.#deps = deps;
  }

  /** Until the signal aborts. Call when the slices and the proxies are known, and before any port is asked for. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    const { slices, proxies, table } = this.#deps;
    const ours = new Set(proxies());
    for (const slice of slices.values()) {
      if (!leadsTo(slice, ours)) continue;
      for (const { key, port } of given(slice)) if (table.remember(key, port)) this.#note(key);
    }
    this.#arm();
    signal.addEventListener("abort", () => this.#timer?.cancel(), { once: true });
  }

  /** See `PortTable`. */
  portOf(key: ListenerKey): number | undefined {
    const port = this.#deps.table.portOf(key);
    if (port !== undefined) this.#note(key);
    return port;
  }

  #note(key: ListenerKey): void {
    this.#keys.set(textOf(key), { key, isAsked: true });
  }

  #arm(): void {
    this.#timer = this.#deps.clock.setTimer(SWEEP_MS, () => {
      this.#sweep();
      this.#arm();
    });
  }

  #sweep(): void {
    const named = new Set<string>();
    for (const slice of this.#deps.slices.values()) {
      for (const { key, port } of given(slice)) named.add(slotOf(key, port));
    }
    const { table } = this.#deps;
    for (const [text, entry] of [...this.#keys]) {
      const port = table.known(entry.key);
      const isNeeded = port !== undefined && (entry.isAsked || named.has(slotOf(entry.key, port)));
      entry.isAsked = false;
      if (isNeeded) continue;
      table.free(entry.key);
      this.#keys.delete(text);
    }
  }
}

function leadsTo({ endpoints }: EndpointSlice, proxies: ReadonlySet<string>): boolean {
  const addresses = (endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
  return addresses.length > 0 && addresses.every((address) => proxies.has(address));
}

/** The ports that a peer's slice names. */
function given({
  metadata,
  ports,
}: EndpointSlice): readonly { readonly key: ListenerKey; readonly port: number }[] {
  const name = metadata.labels?.[LABEL_SERVICE_NAME];
  const peer = parseClusterId(metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "");
  if (metadata.namespace === undefined || name === undefined || !peer.ok) return [];
  const service = serviceKey(metadata.namespace, name);
  return (ports ?? []).flatMap(({ name: text = "", protocol = "TCP", port }) =>
    port === undefined ? [] : [{ key: { peer: peer.value, service, port: text, protocol }, port }],
  );
}

/** Whatever the port is called there. */
function slotOf({ peer, service, protocol }: ListenerKey, port: number): string {
  return `${peer} ${service} ${protocol} ${port}`;
}

function textOf({ peer, service, port, protocol }: ListenerKey): string {
  return `${peer} ${service} ${protocol} ${port}`;
}
