import type { ClusterId } from "../../api/cluster-id.ts";
import { BACKEND_NAMES } from "../../api/network/backend-name.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Counter, Gauge, Meter } from "../../runtime/metrics/meter.ts";
import type { PathStatuses } from "../path-selection.ts";

/** How often figures reach the meter. */
const REFRESH_MS = 5_000;

/** What is known of paths, as metrics; label values are members and backends. */
export class PathMetrics {
  readonly #statuses: PathStatuses;
  readonly #clock: Clock;
  readonly #chosen: Gauge;
  readonly #up: Gauge;
  readonly #rtt: Gauge;
  readonly #loss: Gauge;
  readonly #mtu: Gauge;
  readonly #dead: Gauge;
  readonly #switches: Counter;
  /** What each peer's backend was. BOUNDED: by the clusterset's members. */
  readonly #backends = new Map<ClusterId, string | undefined>();
  #timer: Timer | undefined;

  constructor(
    statuses: PathStatuses,
    { clock, meter }: { readonly clock: Clock; readonly meter: Meter },
  ) {
    this.#statuses = statuses;
    this.#clock = clock;
    const labels = ["peer", "backend"];
    const gauge = (name: string, help: string): Gauge =>
      meter.gauge({ name: `isthmus_connectivity_${name}`, help, labels });
    this.#chosen = gauge("path_chosen", "1 for the path in use to a peer, 0 for others.");
    this.#up = gauge(
      "path_up",
      "1 for a path that answers probes, 0 for one that is down, -1 for one that is not measured.",
    );
    this.#rtt = gauge("path_rtt_seconds", "Smoothed round trip of a path.");
    this.#loss = gauge("path_loss_ratio", "Lost part of the latest probes of a path.");
    this.#mtu = gauge("path_mtu_bytes", "Largest IP packet that passes whole.");
    this.#dead = meter.gauge({
      name: "isthmus_connectivity_dead_peers",
      help: "Peers that no path leads to: their endpoints are withheld.",
    });
    this.#switches = meter.counter({
      name: "isthmus_connectivity_switches_total",
      help: "Changes of the path to a peer.",
    });
    this.#switches.add(0);
  }

  start(signal: AbortSignal): void {
    const stop = this.#statuses.subscribeStatus((peers) => {
      for (const peer of peers) this.#show(peer);
      this.#countDead();
    });
    const refresh = (): void => {
      if (signal.aborted) return;
      for (const peer of this.#statuses.peers()) this.#show(peer);
      this.#countDead();
      this.#timer = this.#clock.setTimer(REFRESH_MS, refresh);
    };
    refresh();
    const end = (): void => {
      stop();
      this.#timer?.cancel();
    };
    signal.addEventListener("abort", end, { once: true });
  }

  #show(peer: ClusterId): void {
    const status = this.#statuses.status(peer);
    if (status === undefined) {
      this.#backends.delete(peer);
      for (const backend of BACKEND_NAMES) this.#remove({ peer, backend });
      return;
    }
    if (this.#backends.has(peer) && this.#backends.get(peer) !== status.backend)
      this.#switches.add(1);
    this.#backends.set(peer, status.backend);
    for (const { backend, state, rttMs, lossPercent, mtu } of status.paths) {
      const labels = { peer, backend };
      this.#chosen.set(backend === status.backend ? 1 : 0, labels);
      this.#up.set({ up: 1, down: 0, unknown: -1 }[state], labels);
      if (rttMs !== undefined) this.#rtt.set(rttMs / 1_000, labels);
      if (lossPercent !== undefined) this.#loss.set(lossPercent / 100, labels);
      if (mtu !== undefined) this.#mtu.set(mtu, labels);
    }
  }

  #remove(labels: { readonly peer: ClusterId; readonly backend: string }): void {
    for (const gauge of [this.#chosen, this.#up, this.#rtt, this.#loss, this.#mtu]) {
      gauge.remove(labels);
    }
  }

  #countDead(): void {
    const dead = [...this.#statuses.peers()].filter((peer) => this.#statuses.status(peer)?.dead);
    this.#dead.set(dead.length);
  }
}
