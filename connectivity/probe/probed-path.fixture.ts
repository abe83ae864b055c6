import { type ProbeEffect, startTarget, stepTarget, type TargetState } from "./probe-machine.ts";
import {
  DEFAULT_MTU_SETTINGS,
  DEFAULT_PROBE_SETTINGS,
  DEFAULT_REFUSAL_SETTINGS,
  type MtuSettings,
} from "./probe-settings.ts";

export const WALL_MS = Date.UTC(2026, 0, 1);

/** One target on a path that the test decides about, in virtual time. */
export class ProbedPath {
  state: TargetState;
  nowMs = 0;
  /** Round trip of a packet sent at this moment; undefined: it is lost. */
  roundTrip: (sentMs: number, mtuBytes: number | undefined) => number | undefined;
  /** After how long a knock at this moment is refused; undefined: it is not. */
  refusal: (sentMs: number) => number | undefined = () => undefined;
  readonly settings;
  sent = 0;
  knocks = 0;
  readonly changes: { readonly atMs: number; readonly state: string }[] = [];
  /** Without a sequence: a refusal. */
  readonly #answers: { atMs: number; sequence?: number }[] = [];
  readonly #draw: () => number;

  constructor({
    roundTrip,
    isMtuMeasured = false,
    mtu = {},
    draw = () => 1,
  }: {
    readonly roundTrip: ProbedPath["roundTrip"];
    readonly isMtuMeasured?: boolean;
    readonly mtu?: Partial<MtuSettings>;
    readonly draw?: () => number;
  }) {
    this.settings = {
      ...DEFAULT_PROBE_SETTINGS,
      mtu: isMtuMeasured ? { ...DEFAULT_MTU_SETTINGS, ...mtu } : undefined,
      refusal: DEFAULT_REFUSAL_SETTINGS,
    };
    this.roundTrip = roundTrip;
    this.#draw = draw;
    this.state = startTarget(this.settings, { nowMs: 0, wallMs: WALL_MS });
  }

  run(untilMs: number): void {
    for (;;) {
      const answer = this.#answers.toSorted((a, b) => a.atMs - b.atMs)[0];
      const nextMs = Math.min(this.state.wakeMs, answer?.atMs ?? Number.POSITIVE_INFINITY);
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (answer !== undefined && answer.atMs <= this.nowMs) {
        this.#answers.splice(this.#answers.indexOf(answer), 1);
        const { sequence } = answer;
        this.#apply(sequence === undefined ? { kind: "refused" } : { kind: "reply", sequence });
      } else this.#apply({ kind: "time", draw: this.#draw() });
    }
    this.nowMs = untilMs;
  }

  #apply(
    input:
      | { kind: "reply"; sequence: number }
      | { kind: "refused" }
      | { kind: "time"; draw: number },
  ): void {
    const moment = { nowMs: this.nowMs, wallMs: WALL_MS + this.nowMs };
    const { state, effects } = stepTarget(this.settings, this.state, { ...input, ...moment });
    this.state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ProbeEffect): void {
    if (effect.kind === "state-changed") {
      this.changes.push({ atMs: this.nowMs, state: this.state.state });
      return;
    }
    if (effect.kind === "knock") {
      this.knocks += 1;
      const afterMs = this.refusal(this.nowMs);
      if (afterMs !== undefined) this.#answers.push({ atMs: this.nowMs + afterMs });
      return;
    }
    if (effect.kind === "mtu-changed") return;
    this.sent += 1;
    const roundTripMs = this.roundTrip(this.nowMs, effect.mtuBytes);
    if (roundTripMs === undefined) return;
    this.#answers.push({ atMs: this.nowMs + roundTripMs, sequence: effect.sequence });
  }
}
