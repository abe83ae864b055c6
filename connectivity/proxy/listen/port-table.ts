import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Protocol } from "../../../api/kube/service.ts";
import type { ServiceKey } from "../../../api/service-key.ts";

/** What one listener of the proxy is for: a port of a service of a peer. */
export interface ListenerKey {
  readonly peer: ClusterId;
  readonly service: ServiceKey;
  /** Name of the port in the peer's slices; may be empty. */
  readonly port: string;
  readonly protocol: Protocol;
}

/** Ports that listeners may have, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Apart from NodePorts (30000 to 32767) and from the ports that Linux gives to clients (32768 and up). */
export const DEFAULT_PORTS: PortRange = { first: 20_000, last: 29_999 };

/**
 * Which port the local proxies listen on for which port of which service of which peer. Controllers decide, and what they decided
 * stands in the MCS slices that they write: proxies listen where the slices send clients, and controllers that start, or take over,
 * `remember` what the slices say. So replicas agree without talking, and restarts change nothing. A port starts from a hash, so that
 * what is imported again gets, most likely, the port that it had.
 *
 * BOUNDED: by the range.
 */
export class PortTable {
  readonly #range: PortRange;
  readonly #ports = new Map<string, number>();
  readonly #taken = new Map<string, string>();
  /** Remembered, and not asked for yet. BOUNDED: as the two above. */
  readonly #unclaimed = new Set<string>();

  constructor(range: PortRange = DEFAULT_PORTS) {
    this.#range = range;
  }

  get size(): number {
    return this.#ports.size;
  }

  /** The same for the same key, as long as it is kept. Undefined: the range is full. */
  portOf(key: ListenerKey): number | undefined {
    const text = textOf(key);
    const known = this.#ports.get(text);
    if (known !== undefined) {
      this.#unclaimed.delete(text);
      return known;
    }
    const { first, last } = this.#range;
    const count = last - first + 1;
    const start = hash(text) % count;
    for (let step = 0; step < count; step++) {
      const port = first + ((start + step) % count);
      this.#disclaim(key, port);
      if (this.#put(key, port)) return port;
    }
    return undefined;
  }

  /** What a slice says. False: the port is another's, outside of the range, or the key has one already. */
  remember(key: ListenerKey, port: number): boolean {
    if (!this.#put(key, port)) return false;
    this.#unclaimed.add(textOf(key));
    return true;
  }

  #put(key: ListenerKey, port: number): boolean {
    const text = textOf(key);
    const slot = `${key.protocol} ${port}`;
    if (port < this.#range.first || port > this.#range.last) return false;
    if (this.#ports.has(text) || this.#taken.has(slot)) return false;
    this.#ports.set(text, port);
    this.#taken.set(slot, text);
    return true;
  }

  /**
   * What a slice says may be of the same port under another name, since a merge names ports anew (CON-24): the port that a key's
   * hash leads to is the key's own then.
   */
  #disclaim({ peer, service, protocol }: ListenerKey, port: number): void {
    const slot = `${protocol} ${port}`;
    const holder = this.#taken.get(slot);
    if (holder === undefined || !this.#unclaimed.has(holder)) return;
    if (!holder.startsWith(`${peer} ${service} ${protocol} `)) return;
    this.#unclaimed.delete(holder);
    this.#ports.delete(holder);
    this.#taken.delete(slot);
  }

  /** What the key has now, without giving it one. */
  known(key: ListenerKey): number | undefined {
    return this.#ports.get(textOf(key));
  }

  /** The port may be another's from now on. */
  free(key: ListenerKey): void {
    const text = textOf(key);
    const port = this.#ports.get(text);
    if (port === undefined) return;
    this.#ports.delete(text);
    this.#taken.delete(`${key.protocol} ${port}`);
    this.#unclaimed.delete(text);
  }
}

function textOf({ peer, service, port, protocol }: ListenerKey): string {
  return `${peer} ${service} ${protocol} ${port}`;
}

/** FNV-1a, mixed: spreads names that differ little. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x0100_0193);
  }
  return (value ^ (value >>> 15)) >>> 0;
}
