import type { ClusterId } from "../../../api/cluster-id.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { Tunnel } from "./tunnel.ts";
import { bestTunnel } from "./tunnel-choice.ts";

/** Tunnels of one peer, whoever dialled them. */
export const MAX_TUNNELS = 64;

/** The tunnels to one peer. On which of them a new stream goes: `tunnel-choice.ts`. */
export class PeerTunnels {
  readonly peer: ClusterId;
  /** So many tunnels at once. */
  readonly max: number;
  /** BOUNDED: by `max`. */
  readonly #tunnels = new Set<Tunnel>();

  constructor(peer: ClusterId, max = MAX_TUNNELS) {
    this.peer = peer;
    this.max = max;
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

  /** Latest round trip of the quickest usable tunnel; undefined: none has been measured. */
  get rttMs(): number | undefined {
    return lowest(this.usable.map(({ rttMs }) => rttMs));
  }

  /** The same of the lowest round trips of late, which a busy process does not change. */
  get rttFloorMs(): number | undefined {
    return lowest(this.usable.map(({ rttFloorMs }) => rttFloorMs));
  }

  /** Why there must not be one more; undefined: there is room. */
  get full(): string | undefined {
    const { size } = this.#tunnels;
    if (size < this.max) return undefined;
    return `one peer must have at most ${this.max} tunnels: ${this.peer} has ${size}`;
  }

  /** Only while it is not `full`. */
  add(tunnel: Tunnel): void {
    this.#tunnels.add(tunnel);
  }

  remove(tunnel: Tunnel): void {
    this.#tunnels.delete(tunnel);
  }

  /** A code: there is no tunnel now, or those that there are have no room for one more stream of that service. */
  open(header: OpenHeader): TunnelStream | "going-away" | "overload" {
    const { usable } = this;
    return openOn(usable, header) ?? (usable.length === 0 ? "going-away" : "overload");
  }

  /**
   * As `open`, on a direct tunnel only.
   * @param isPreferred a tunnel that is none of these is taken only if there is no other
   */
  openDirect(
    header: OpenHeader,
    isPreferred: (tunnel: Tunnel) => boolean = () => true,
  ): TunnelStream | undefined {
    const direct = this.usable.filter(({ facts }) => facts.path === "direct");
    return openOn(direct.filter(isPreferred), header) ?? openOn(direct, header);
  }
}

function lowest(values: readonly (number | undefined)[]): number | undefined {
  const measured = values.filter((value) => value !== undefined);
  return measured.length === 0 ? undefined : Math.min(...measured);
}

/** The best one first; it may have no room for one more. */
function openOn(tunnels: readonly Tunnel[], header: OpenHeader): TunnelStream | undefined {
  const stream = bestTunnel(tunnels)?.open(header);
  if (stream !== undefined) return stream;
  for (const tunnel of tunnels) {
    const other = tunnel.open(header);
    if (other !== undefined) return other;
  }
  return undefined;
}
