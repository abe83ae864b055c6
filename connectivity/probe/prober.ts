import { isIPv6 } from "node:net";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { PathMeasurement, PathProber, ProbeTarget } from "./path-measurement.ts";
import {
  measurementOf,
  type ProbeInput,
  startTarget,
  stepTarget,
  type TargetState,
} from "./probe-machine.ts";
import { decodeProbe, encodeProbe, PROBE_BYTES_MIN } from "./probe-packet.ts";
import type { ProbeSettings } from "./probe-settings.ts";
import type { OpenProbeSocket, ProbeSocket } from "./probe-socket.ts";

export interface ProberDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly openSocket: OpenProbeSocket;
  /** Something nobody on the way can guess: an answer with it comes from who was asked. */
  readonly drawNonce: () => bigint;
}

/** About 14,000 packets a second at the default interval. */
const TARGETS_MAX = 2_048;

/** Of a probe that no machine waits for: theirs begin at 1. */
const NO_SEQUENCE = 0;

interface Running {
  readonly target: ProbeTarget;
  readonly nonce: bigint;
  state: TargetState;
  timer: Timer | undefined;
}

/** Probes a set of targets: sends what their machines want, and tells them what arrives. */
export class Prober implements PathProber {
  readonly #settings: ProbeSettings;
  readonly #deps: ProberDeps;
  readonly #socket: ProbeSocket;
  /** BOUNDED: by TARGETS_MAX. */
  readonly #running = new Map<string, Running>();
  /** BOUNDED: as `#running`. */
  readonly #byNonce = new Map<bigint, Running>();
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<(key: string) => void>();
  #isStopped = false;

  /** Probes from the first `setTargets` on, until the signal aborts. */
  constructor(settings: ProbeSettings, deps: ProberDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#socket = deps.openSocket((packet) => this.#receive(packet));
    // A packet that may be cut in pieces says nothing about what passes whole.
    this.#settings = this.#socket.isWhole ? settings : { ...settings, mtu: undefined };
    signal.addEventListener("abort", () => this.#stop(), { once: true });
    if (signal.aborted) this.#stop();
  }

  /** At most TARGETS_MAX: those beyond are not probed, and stay without a measurement. */
  setTargets(targets: readonly ProbeTarget[]): void {
    if (this.#isStopped) return;
    const wanted = new Map(targets.slice(0, TARGETS_MAX).map((target) => [target.key, target]));
    for (const [key, running] of this.#running) {
      const target = wanted.get(key);
      if (target !== undefined && isSame(target, running.target)) wanted.delete(key);
      else this.#remove(key, running);
    }
    for (const target of wanted.values()) this.#add(target);
  }

  measurement(key: string): PathMeasurement | undefined {
    const running = this.#running.get(key);
    return running === undefined ? undefined : measurementOf(running.state);
  }

  subscribe(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #add(target: ProbeTarget): void {
    const moment = this.#moment();
    const nonce = this.#deps.drawNonce();
    const state = startTarget(this.#settings, moment);
    const running: Running = { target, nonce, state, timer: undefined };
    this.#running.set(target.key, running);
    this.#byNonce.set(nonce, running);
    // Spread, so that a thousand targets are not asked at once.
    const delayMs = this.#settings.intervalMs * this.#deps.random.next();
    running.timer = this.#deps.clock.setTimer(delayMs, () => this.#wake(running));
    running.state = {
      ...state,
      nextSendMs: moment.nowMs + delayMs,
      wakeMs: moment.nowMs + delayMs,
    };
  }

  #remove(key: string, running: Running): void {
    running.timer?.cancel();
    this.#running.delete(key);
    this.#byNonce.delete(running.nonce);
  }

  #wake(running: Running): void {
    running.timer = undefined;
    this.#step(running, { kind: "time", ...this.#moment(), draw: this.#deps.random.next() });
  }

  #receive(packet: Uint8Array): void {
    const reply = decodeProbe(packet);
    if (reply?.kind !== "reply") return;
    const running = this.#byNonce.get(reply.nonce);
    if (running === undefined || running.target.cluster !== reply.cluster) return;
    this.#step(running, { kind: "reply", ...this.#moment(), sequence: reply.sequence });
  }

  #step(running: Running, input: ProbeInput): void {
    if (this.#running.get(running.target.key) !== running) return;
    const { state, effects } = stepTarget(this.#settings, running.state, input);
    running.state = state;
    for (const effect of effects) {
      if (effect.kind === "send") this.#send(running, effect);
      if (effect.kind === "knock") this.#knock(running);
    }
    this.#arm(running);
    if (effects.some(({ kind }) => kind === "state-changed" || kind === "mtu-changed")) {
      for (const listener of this.#listeners) listener(running.target.key);
    }
  }

  #send(
    running: Running,
    { sequence, mtuBytes }: { readonly sequence: number; readonly mtuBytes: number | undefined },
  ): void {
    const { target, nonce } = running;
    const bytes = mtuBytes === undefined ? PROBE_BYTES_MIN : mtuBytes - headerBytes(target.address);
    const packet = encodeProbe({
      kind: "request",
      nonce,
      sequence,
      cluster: target.cluster,
      bytes,
    });
    this.#socket.send(packet, target, (failure) =>
      this.#step(running, { kind: "unsent", ...this.#moment(), sequence, ...failure }),
    );
  }

  #knock(running: Running): void {
    const { target, nonce } = running;
    const { cluster } = target;
    const packet = encodeProbe({
      kind: "request",
      nonce,
      sequence: NO_SEQUENCE,
      cluster,
      bytes: PROBE_BYTES_MIN,
    });
    this.#socket.knock(packet, target, () =>
      this.#step(running, { kind: "refused", ...this.#moment() }),
    );
  }

  #arm(running: Running): void {
    running.timer?.cancel();
    running.timer = undefined;
    // A listener may have taken the target away.
    if (this.#running.get(running.target.key) !== running) return;
    const delayMs = Math.ceil(running.state.wakeMs - this.#deps.clock.monotonicMs());
    running.timer = this.#deps.clock.setTimer(Math.max(0, delayMs), () => this.#wake(running));
  }

  #moment(): { readonly nowMs: number; readonly wallMs: number } {
    const { clock } = this.#deps;
    return { nowMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }

  #stop(): void {
    this.#isStopped = true;
    for (const [key, running] of this.#running) this.#remove(key, running);
    this.#socket.close();
  }
}

function isSame(a: ProbeTarget, b: ProbeTarget): boolean {
  return a.cluster === b.cluster && a.address === b.address && a.port === b.port;
}

/** Of IP and UDP. */
function headerBytes(address: string): number {
  return isIPv6(address) ? 48 : 28;
}
