import type { ClusterId } from "../../../api/cluster-id.ts";
import { ok } from "../../../api/result.ts";
import type { ProbeNetwork } from "../../../cli/paths/probe-network.ts";
import { answerProbe } from "../../../connectivity/probe/probe-packet.ts";
import type {
  OpenProbeSocket,
  ProbeDestination,
} from "../../../connectivity/probe/probe-socket.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { type PathCondition, SIM_BACKENDS, type SimBackend } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { podAddress, podPrefix } from "./sim-addresses.ts";

/** Where a member's controllers run. */
interface Pod {
  readonly address: string;
  /** Somebody is there to answer; otherwise its machine says that nobody listens. */
  isAnswering: boolean;
}

/** What is true of the way from one cluster to another and back over one backend. */
export interface Way {
  readonly isUp: boolean;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  /** How often it died. */
  readonly deaths: number;
}

const LOSSY_SHARE = 0.3;
/** As many as it takes for a path not to be trusted for as long as any ever is. */
const LOSSY_DEATHS = 6;
const RESPONDER_PORT = 7946;

/** What lies between the clusters: each direction of each backend may be open, lossy or a black hole. */
export class SimNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #clusters: readonly SimCluster[];
  /** `from to backend`, where it is not open. BOUNDED: by pairs and backends, as `#ways`. */
  readonly #conditions = new Map<string, PathCondition>();
  readonly #ways = new Map<string, Way>();
  /** Address to whose pod has it. BOUNDED: by the processes that run, and one a member. */
  readonly #responders = new Map<string, { readonly cluster: ClusterId; readonly pod: Pod }>();
  /** The newest pod of each member. BOUNDED: by the members. */
  readonly #pods = new Map<ClusterId, Pod>();
  #podCount = 0;
  #nonce = 0n;

  constructor(
    clusters: readonly SimCluster[],
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#clusters = clusters;
    this.#clock = clock;
    this.#random = random;
  }

  set(from: ClusterId, to: ClusterId, backend: SimBackend, condition: PathCondition): void {
    this.#conditions.set(`${from} ${to} ${backend}`, condition);
    this.#look();
  }

  /** What loses packets at random proves nothing: none does any more. */
  endLosses(): void {
    for (const [line, condition] of this.#conditions) {
      if (condition === "lossy") this.#conditions.set(line, "open");
    }
    this.#look();
  }

  /** Both directions are whole. That nobody is there to answer says nothing about the way. */
  way(from: ClusterId, to: ClusterId, backend: SimBackend): Way {
    return this.#ways.get(`${from} ${to} ${backend}`) ?? { isUp: true, sinceMs: 0, deaths: 0 };
  }

  probesOf(cluster: SimCluster): ProbeNetwork {
    return {
      openSocket: this.#opener(cluster.id),
      drawNonce: () => (this.#nonce += 1n),
      respond: async (_cluster, _listen, signal) => {
        const pod = this.#podOf(cluster);
        pod.isAnswering = true;
        signal.addEventListener("abort", () => {
          pod.isAnswering = false;
          // One that another has taken the place of goes with its process.
          if (this.#pods.get(cluster.id) !== pod) this.#responders.delete(pod.address);
        });
        return ok([`${pod.address}:${RESPONDER_PORT}`]);
      },
    };
  }

  /** Nobody listens in the pod for some time. */
  pause({ id }: SimCluster, forMs: number): void {
    const pod = this.#pods.get(id);
    if (pod?.isAnswering !== true) return;
    pod.isAnswering = false;
    this.#clock.setTimer(forMs, () => {
      pod.isAnswering = true;
    });
  }

  /** The next process is another pod, and the address of this one is nobody's. */
  movePod({ id }: SimCluster): void {
    const pod = this.#pods.get(id);
    this.#pods.delete(id);
    if (pod !== undefined && !pod.isAnswering) this.#responders.delete(pod.address);
  }

  /** A process that comes back is in the same pod, unless the one before still runs there. */
  #podOf(cluster: SimCluster): Pod {
    const standing = this.#pods.get(cluster.id);
    if (standing !== undefined && !standing.isAnswering) return standing;
    this.#podCount += 1;
    const count = this.#podCount;
    const address = `${podPrefix(cluster.index)}.${200 + (count >> 8)}.${count & 255}`;
    const pod = { address, isAnswering: false };
    this.#pods.set(cluster.id, pod);
    this.#responders.set(address, { cluster: cluster.id, pod });
    return pod;
  }

  #opener(from: ClusterId): OpenProbeSocket {
    return (onPacket) => {
      let isClosed = false;
      return {
        isWhole: false,
        close: () => {
          isClosed = true;
        },
        send: (packet, to) => {
          this.#travel(from, to, (pod, owner) => {
            const answer = pod.isAnswering ? answerProbe(owner, packet) : undefined;
            return answer && (() => !isClosed && onPacket(answer));
          });
        },
        knock: (_packet, to, onRefused) => {
          this.#travel(from, to, (pod) =>
            pod.isAnswering ? undefined : () => !isClosed && onRefused(),
          );
        },
      };
    };
  }

  /** There and back. @param meet what comes back, if anything. */
  #travel(
    from: ClusterId,
    { address, port }: ProbeDestination,
    meet: (pod: Pod, owner: ClusterId) => (() => void) | undefined,
  ): void {
    const target = this.#find(address);
    if (target === undefined || port !== RESPONDER_PORT) return;
    const { to, backend } = target;
    if (!this.#passes(from, to, backend)) return;
    // Always the same: figures that change are news, and cost writes.
    const delayMs = backend === "underlay" ? 2 : 8;
    this.#clock.setTimer(delayMs, () => {
      const there = this.#responders.get(target.pod);
      const back = there && meet(there.pod, there.cluster);
      if (back === undefined || !this.#passes(to, from, backend)) return;
      this.#clock.setTimer(delayMs, back);
    });
  }

  /** Whose address it is, and which way leads there. */
  #find(
    address: string,
  ): { readonly to: ClusterId; readonly backend: SimBackend; readonly pod: string } | undefined {
    for (const cluster of this.#clusters) {
      const prefix = `${podPrefix(cluster.index)}.`;
      if (address.startsWith(prefix)) return { to: cluster.id, backend: "underlay", pod: address };
      const pod = podAddress(cluster, address);
      if (pod !== undefined) return { to: cluster.id, backend: "vxlan", pod };
    }
    return undefined;
  }

  #passes(from: ClusterId, to: ClusterId, backend: SimBackend): boolean {
    const condition = this.#conditions.get(`${from} ${to} ${backend}`) ?? "open";
    if (condition === "lossy") return this.#random.next() >= LOSSY_SHARE;
    return condition === "open";
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { id: from } of this.#clusters) {
      for (const { id: to } of this.#clusters) {
        for (const backend of from === to ? [] : SIM_BACKENDS) {
          const isOpen = (line: string): boolean =>
            (this.#conditions.get(line) ?? "open") === "open";
          const isUp = isOpen(`${from} ${to} ${backend}`) && isOpen(`${to} ${from} ${backend}`);
          const before = this.way(from, to, backend);
          if (before.isUp === isUp) continue;
          // Where packets are lost at random nobody knows how often it died, nor when it was last trusted.
          const isLossy = (line: string): boolean => this.#conditions.get(line) === "lossy";
          const wasLossy =
            isLossy(`${from} ${to} ${backend}`) || isLossy(`${to} ${from} ${backend}`);
          const deaths = before.deaths + (isUp ? 0 : wasLossy ? LOSSY_DEATHS : 1);
          this.#ways.set(`${from} ${to} ${backend}`, { isUp, sinceMs: nowMs, deaths });
        }
      }
    }
  }
}
