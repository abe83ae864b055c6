import type { ClusterId } from "../../api/cluster-id.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";

/** News that are told one by one within a window; what comes beyond is told together at its end. */
const AT_ONCE = 8;
const WINDOW_MS = 1000;

/**
 * Who came, went or began another life. When all members come back at once everybody is told of all of them a few times, not of each:
 * nothing that follows from it is decided within a second.
 */
export class PresenceNews {
  readonly #clock: Clock;
  readonly #tell: (clusters: ReadonlySet<ClusterId>) => void;
  /** BOUNDED: by the members that are and were. */
  #untold = new Set<ClusterId>();
  #windowMs = Number.NEGATIVE_INFINITY;
  #toldCount = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, tell: (clusters: ReadonlySet<ClusterId>) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(cluster: ClusterId): void {
    if (this.#timer === undefined) this.#beginWindow();
    this.#toldCount += 1;
    if (this.#toldCount <= AT_ONCE) {
      this.#tell(new Set([cluster]));
      return;
    }
    this.#untold.add(cluster);
    const waitMs = this.#windowMs + WINDOW_MS - this.#clock.monotonicMs();
    this.#timer ??= this.#clock.setTimer(waitMs, () => this.#tellTogether());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#untold.clear();
  }

  #beginWindow(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowMs < WINDOW_MS) return;
    this.#windowMs = nowMs;
    this.#toldCount = 0;
  }

  #tellTogether(): void {
    this.#timer = undefined;
    const clusters = this.#untold;
    this.#untold = new Set();
    this.#tell(clusters);
  }
}
