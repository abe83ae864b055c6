import type { ClusterId } from "../../api/cluster-id.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { PeerStreams, StreamEnd } from "../../connectivity/select/lone-responder.ts";
import type { Clock } from "../../runtime/clock/clock.ts";

/** A process that comes back may begin with a stream or two that end at once. */
const ENDS_MAX = 4;

/** When streams of other members ended and began, of those that this process has seen with one. */
export function peerStreams(
  link: Pick<BrokerLink, "peers" | "subscribe">,
  clock: Clock,
  signal: AbortSignal,
): PeerStreams {
  /** BOUNDED: by the clusterset's members, as the one below, and by ENDS_MAX each. */
  const ends = new Map<ClusterId, readonly StreamEnd[]>();
  const connected = new Set<ClusterId>();
  /** BOUNDED: by the parts of the program that subscribe. */
  const listeners = new Set<(peers: readonly ClusterId[]) => void>();
  const look = (): void => {
    const changed: ClusterId[] = [];
    const peers = link.peers();
    const [wallMs, nowMs] = [clock.nowMs(), clock.monotonicMs()];
    for (const [cluster, peer] of peers) {
      const isConnected = peer.kind === "connected";
      if (isConnected === connected.has(cluster)) continue;
      const known = ends.get(cluster) ?? [];
      const sinceMs = peer.kind === "disconnected" ? peer.sinceMs : nowMs;
      if (isConnected) {
        const back = known.map((end) => ({ ...end, backMs: end.backMs ?? wallMs }));
        if (back.length > 0) ends.set(cluster, back);
      } else {
        const end = { endedMs: wallMs - (nowMs - sinceMs), backMs: undefined };
        ends.set(cluster, [...known, end].slice(-ENDS_MAX));
      }
      if (isConnected) connected.add(cluster);
      else connected.delete(cluster);
      changed.push(cluster);
    }
    for (const cluster of [...connected, ...ends.keys()]) {
      if (peers.has(cluster)) continue;
      connected.delete(cluster);
      ends.delete(cluster);
    }
    if (changed.length > 0) for (const listener of listeners) listener(changed);
  };
  look();
  const stop = link.subscribe(({ kind }) => {
    if (kind === "peers-changed") look();
  });
  signal.addEventListener("abort", stop, { once: true });
  return {
    ended: (peer) => ends.get(peer) ?? [],
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
