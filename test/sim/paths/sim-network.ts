import type { ClusterId } from "../../../api/cluster-id.ts";
import { ok } from "../../../api/result.ts";
import type { ProbeNetwork } from "../../../cli/probe-network.ts";
import { answerProbe } from "../../../connectivity/probe/probe-packet.ts";
import type { OpenProbeSocket } from "../../../connectivity/probe/probe-socket.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { type PathCondition, SIM_BACKENDS, type SimBackend } from "../script/step.ts";
import type { SimCluster } from "../world/sim-cluster.ts";
import { podAddress, podPrefix } from "./sim-addresses.ts";

/** What is true of the way from one cluster to another and back over one backend. */
export interface Way {
  readonly isUp: boolean;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  /** How often it died. */
  readonly deaths: number;
}

const LOSSY_SHARE = 0.3;
const RESPONDER_PORT = 7946;

/** What lies between the clusters: each direction of each backend may be open, lossy or a black hole. */
export class SimNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #clusters: readonly SimCluster[];
  /** `from to backend`, where it is not open. BOUNDED: by pairs and backends, as `#ways`. */
  readonly #conditions = new Map<string, PathCondition>();
  readonly #ways = new Map<string, Way>();
  /** Address to who answers there. BOUNDED: by the processes that run. */
  readonly #responders = new Map<string, ClusterId>();
  /** Each process is another pod. */
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

  /** Both directions are whole, and somebody is there to answer. */
  way(from: ClusterId, to: ClusterId, backend: SimBackend): Way {
    return this.#ways.get(`${from} ${to} ${backend}`) ?? { isUp: false, sinceMs: 0, deaths: 0 };
  }

  probesOf(cluster: SimCluster): ProbeNetwork {
    return {
      openSocket: this.#opener(cluster.id),
      drawNonce: () => (this.#nonce += 1n),
      respond: async (_cluster, _listen, signal) => {
        this.#podCount += 1;
        const pod = this.#podCount;
        const address = `${podPrefix(cluster.index)}.${200 + (pod >> 8)}.${pod & 255}`;
        this.#responders.set(address, cluster.id);
        this.#look();
        signal.addEventListener("abort", () => {
          this.#responders.delete(address);
          this.#look();
        });
        return ok([`${address}:${RESPONDER_PORT}`]);
      },
    };
  }

  #opener(from: ClusterId): OpenProbeSocket {
    return (onPacket) => {
      let isClosed = false;
      return {
        isWhole: false,
        close: () => {
          isClosed = true;
        },
        send: (packet, { address, port }) => {
          const target = this.#find(address);
          if (target === undefined || port !== RESPONDER_PORT) return;
          const { to, backend, pod } = target;
          if (!this.#passes(from, to, backend)) return;
          // Always the same: figures that change are news, and cost writes.
          const delayMs = backend === "underlay" ? 2 : 8;
          this.#clock.setTimer(delayMs, () => {
            const owner = this.#responders.get(pod);
            const answer = owner === undefined ? undefined : answerProbe(owner, packet);
            if (answer === undefined || !this.#passes(to, from, backend)) return;
            this.#clock.setTimer(delayMs, () => {
              if (!isClosed) onPacket(answer);
            });
          });
        },
      };
    };
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
    const answering = new Set(this.#responders.values());
    for (const { id: from } of this.#clusters) {
      for (const { id: to } of this.#clusters) {
        for (const backend of from === to ? [] : SIM_BACKENDS) {
          const isOpen = (line: string): boolean =>
            (this.#conditions.get(line) ?? "open") === "open";
          const isUp =
            answering.has(to) &&
            isOpen(`${from} ${to} ${backend}`) &&
            isOpen(`${to} ${from} ${backend}`);
          const before = this.way(from, to, backend);
          if (before.isUp === isUp) continue;
          const deaths = before.deaths + (isUp ? 0 : 1);
          this.#ways.set(`${from} ${to} ${backend}`, { isUp, sinceMs: nowMs, deaths });
        }
      }
    }
  }
}
