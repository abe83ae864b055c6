import type { ClusterId } from "../../../api/cluster-id.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { Tunnel } from "./tunnel.ts";

/** BOUNDED: tunnels of one peer, whoever dialled them. */
export const MAX_TUNNELS_PER_PEER = 64;

/**
 * The tunnels to one peer. New streams go to the one that carries the fewest; direct ones are preferred to relayed ones, and
 * any that answers to one that does not.
 */
export class PeerTunnels {
  readonly peer: ClusterId;
  readonly #tunnels = new Set<Tunnel>();

  constructor(peer: ClusterId) {
    this.peer = peer;
  }

  get all(): readonly Tunnel[] {
    return [...this.#tunnels];
  }

  /** Those on which streams can be opened now. */
  get usable(): readonly Tunnel[] {
    return this.all.filter((tunnel) => tunnel.canOpen);
  }

  get hasDirect(): boolean {
    return this.usable.some(({ facts }) => facts.path === "direct");
  }

  /** Of the quickest usable tunnel; undefined: none has been measured. */
  get rttMs(): number | undefined {
    const measured = this.usable.flatMap(({ rttMs }) => (rttMs === undefined ? [] : [rttMs]));
    return measured.length === 0 ? undefined : Math.min(...measured);
  }

  /** False: there are enough. */
  add(tunnel: Tunnel): boolean {
    if (this.#tunnels.size >= MAX_TUNNELS_PER_PEER) return false;
    this.#tunnels.add(tunnel);
    return true;
  }

  remove(tunnel: Tunnel): void {
    this.#tunnels.delete(tunnel);
  }

  /** Undefined: no tunnel takes a stream now. */
  open(header: OpenHeader): TunnelStream | undefined {
    const usable = this.usable.toSorted((a, b) => rank(a) - rank(b));
    for (const tunnel of usable) {
      const stream = tunnel.open(header);
      if (stream !== undefined) return stream;
    }
    return undefined;
  }
}

function rank({ facts, isLate, streamCount }: Tunnel): number {
  return streamCount + (facts.path === "relayed" ? 1e9 : 0) + (isLate ? 1e12 : 0);
}
