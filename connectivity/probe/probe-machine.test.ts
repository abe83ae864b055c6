import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import {
  measurementOf,
  type ProbeEffect,
  startTarget,
  stepTarget,
  type TargetState,
} from "./probe-machine.ts";
import {
  DEFAULT_MTU_SETTINGS,
  DEFAULT_PROBE_SETTINGS,
  DEFAULT_REFUSAL_SETTINGS,
  type MtuSettings,
} from "./probe-settings.ts";

const WALL_MS = Date.UTC(2026, 0, 1);
/** How often what fits is tried again, where that is often. */
const VERIFY_MS = 200;

/** One target on a path that the test decides about, in virtual time. */
class Path {
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
    readonly roundTrip: Path["roundTrip"];
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

describe("a path", () => {
  test("is up after five answers, with its round trip and no loss", () => {
    const path = new Path({ roundTrip: () => 20 });
    path.run(2_000);
    expect(path.changes).toEqual([{ atMs: 620, state: "up" }]);
    expect(measurementOf(path.state)).toEqual({
      state: "up",
      sinceMs: WALL_MS + 620,
      reason: "5 probes answered",
      rttMs: 20,
      lossPercent: 0,
      mtu: undefined,
    });
  });

  test("dies at any moment: down in less than 600 ms; heals: up in less than a second (I8)", () => {
    const draws = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.integer({ min: 2_000, max: 4_000 }),
        fc.double({ min: 0.1, max: 25, noNaN: true }),
        draws,
        (diesMs, rttMs, drawn) => {
          let index = 0;
          const healsMs = diesMs + 3_000;
          const path = new Path({
            roundTrip: (sentMs) =>
              // An answer under way when the path dies is lost with it.
              sentMs + rttMs >= diesMs && sentMs < healsMs ? undefined : rttMs,
            draw: () => drawn[index++ % drawn.length] ?? 0,
          });
          path.run(diesMs + 5_000);
          const [up, down, again, ...rest] = path.changes;
          expect(up?.state).toBe("up");
          expect(down?.state).toBe("down");
          expect((down?.atMs ?? 0) - diesMs).toBeLessThan(600);
          expect(again?.state).toBe("up");
          expect((again?.atMs ?? 0) - healsMs).toBeLessThan(1_000);
          expect(rest).toEqual([]);
        },
      ),
    );
  });

  test("one or two losses in a row are no death, and show in the loss", () => {
    let count = 0;
    const path = new Path({ roundTrip: () => (count++ % 5 < 2 ? undefined : 10) });
    path.run(60_000);
    // Never five in a row answered, so never up; three in a row answered, so never down.
    expect(path.changes).toEqual([]);
    expect(measurementOf(path.state).lossPercent).toBeCloseTo(40, 0);
  });

  test("a long way is waited for: 400 ms are no loss", () => {
    const path = new Path({ roundTrip: () => 400 });
    path.run(10_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up"]);
    expect(measurementOf(path.state).lossPercent).toBe(0);
  });

  test("that becomes long is learned from late answers, and is up again", () => {
    const path = new Path({ roundTrip: (sentMs) => (sentMs < 5_000 ? 5 : 300) });
    path.run(20_000);
    expect(path.state.state).toBe("up");
    expect(measurementOf(path.state).rttMs).toBeCloseTo(300, -1);
  });

  test("nobody there from the start: down, not unknown for ever", () => {
    const path = new Path({ roundTrip: () => undefined });
    path.run(3_000);
    expect(path.changes).toEqual([{ atMs: 1_300, state: "down" }]);
    expect(measurementOf(path.state)).toMatchObject({ rttMs: undefined, lossPercent: 100 });
  });
});

describe("a responder whose process is gone", () => {
  /** Answers but from the one moment to the other. */
  function goneFrom(goneMs: number, backMs: number): Path {
    return new Path({
      roundTrip: (sentMs) => (sentMs < goneMs || sentMs >= backMs ? 5 : undefined),
    });
  }

  test("is no dead path while its machine says that nobody listens; nobody knocks at one that answers", () => {
    const path = goneFrom(5_000, 15_000);
    // As Linux sends them: not more than one a second.
    let lastMs = Number.NEGATIVE_INFINITY;
    path.refusal = (sentMs) => {
      if (sentMs < lastMs + 1_000) return undefined;
      lastMs = sentMs;
      return 5;
    };
    path.run(4_900);
    expect(path.knocks).toBe(0);
    path.run(14_900);
    expect(measurementOf(path.state)).toMatchObject({
      state: "unknown",
      reason: "its address says that nobody answers probes",
    });
    path.run(20_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up", "unknown", "up"]);
    expect(path.changes[2]?.atMs).toBeLessThan(16_000);
  });

  test("then the path dies as well: down once refusals are old", () => {
    const path = goneFrom(5_000, 90_000);
    path.refusal = (sentMs) => (sentMs < 8_000 ? 5 : undefined);
    path.run(20_000);
    const [, unknown, down] = path.changes;
    expect([unknown?.state, down?.state]).toEqual(["unknown", "down"]);
    const { goodForMs } = DEFAULT_REFUSAL_SETTINGS;
    expect(down?.atMs).toBeLessThan(8_000 + goodForMs + 400);
  });

  test("is refused for ever, as by a firewall: down in the end, and refusals bring nobody back", () => {
    const path = goneFrom(5_000, 900_000);
    path.refusal = () => 5;
    path.run(200_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up", "unknown", "down"]);
    const { atMostMs } = DEFAULT_REFUSAL_SETTINGS;
    const downMs = path.changes[2]?.atMs ?? 0;
    expect(downMs).toBeGreaterThan(5_000 + atMostMs);
    expect(downMs).toBeLessThan(5_000 + atMostMs + 1_000);
  });

  test("a refusal that comes while answers come proves nothing later", () => {
    const path = goneFrom(5_000, 90_000);
    path.run(4_990);
    const moment = { nowMs: 4_990, wallMs: WALL_MS };
    path.state = stepTarget(path.settings, path.state, { kind: "refused", ...moment }).state;
    path.run(7_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up", "down"]);
  });
});

test("a process that stood still reads what arrived before it judges", () => {
  const path = new Path({ roundTrip: () => 5 });
  path.run(5_000);
  const before = path.state;
  const late = { nowMs: 8_000, wallMs: WALL_MS + 8_000 };
  const stepped = stepTarget(path.settings, before, { kind: "time", draw: 0, ...late });
  expect(stepped.state.state).toBe("up");
  expect(stepped.state.lost).toBe(0);
  // But it does not wait for ever.
  let { state } = stepped;
  for (let nowMs = 8_100; nowMs < 9_500; nowMs += 100) {
    ({ state } = stepTarget(path.settings, state, { kind: "time", draw: 0, nowMs, wallMs: 0 }));
  }
  expect(state.state).toBe("down");
});

test("what cannot be sent is lost at once, and says why", () => {
  let state = startTarget(DEFAULT_PROBE_SETTINGS, { nowMs: 0, wallMs: 0 });
  for (let n = 0; n < 3; n += 1) {
    const nowMs = n * 150;
    const step = stepTarget(DEFAULT_PROBE_SETTINGS, state, {
      kind: "time",
      draw: 0,
      nowMs,
      wallMs: nowMs,
    });
    const [sent] = step.effects;
    if (sent?.kind !== "send") throw new Error("nothing was sent");
    ({ state } = stepTarget(DEFAULT_PROBE_SETTINGS, step.state, {
      kind: "unsent",
      sequence: sent.sequence,
      isTooLarge: false,
      reason: "ENETUNREACH",
      nowMs,
      wallMs: nowMs,
    }));
  }
  expect(measurementOf(state)).toMatchObject({
    state: "down",
    reason: "probes cannot be sent: ENETUNREACH",
  });
});

test("answers that nobody waits for change nothing", () => {
  const path = new Path({ roundTrip: () => 5 });
  path.run(5_000);
  const moment = { nowMs: 5_000, wallMs: 0 };
  const stray = stepTarget(path.settings, path.state, {
    kind: "reply",
    sequence: 4_000_000,
    ...moment,
  });
  expect(stray.effects).toEqual([]);
  expect({ ...stray.state, wakeMs: 0 }).toEqual({ ...path.state, wakeMs: 0 });
});

describe("the MTU", () => {
  test("is found exactly, whatever it is, and nothing is claimed below the least", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_200, max: 9_100 }), (truth) => {
        const path = new Path({
          roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > truth ? undefined : 3),
          isMtuMeasured: true,
        });
        path.run(30_000);
        expect(path.state.state).toBe("up");
        const { leastBytes, mostBytes } = DEFAULT_MTU_SETTINGS;
        const want = truth < leastBytes ? undefined : Math.min(truth, mostBytes);
        expect(measurementOf(path.state).mtu).toBe(want);
      }),
      { numRuns: 50 },
    );
  });

  test("is found though one packet in ten is lost", () => {
    let seed = 1;
    const isLost = (): boolean => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 10 === 0;
    };
    const path = new Path({
      roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > 1_450 || isLost() ? undefined : 3),
      isMtuMeasured: true,
    });
    path.run(60_000);
    expect(measurementOf(path.state).mtu).toBe(1_450);
  });

  test.each([
    { from: 1_500, to: 1_380, withinMs: 15_000 },
    { from: 1_380, to: 1_500, withinMs: 305_000 },
  ])("that changes from $from to $to is noticed", ({ from, to, withinMs }) => {
    let truth = from;
    const path = new Path({
      roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > truth ? undefined : 3),
      isMtuMeasured: true,
    });
    path.run(20_000);
    expect(measurementOf(path.state).mtu).toBe(from);
    truth = to;
    path.run(20_000 + withinMs + 10_000);
    expect(measurementOf(path.state).mtu).toBe(to);
  });

  test("that becomes less at any moment: what surely fits is told at once, and the MTU itself some seconds later", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 15_000, max: 17_000 }),
        fc.integer({ min: 1_280, max: 1_449 }),
        fc.double({ min: 0.1, max: 25, noNaN: true }),
        (shrinksMs, to, rttMs) => {
          const path = new Path({
            roundTrip: (sentMs, bytes) =>
              // One that is under way is lost with the others.
              (bytes ?? 112) > (sentMs + rttMs < shrinksMs ? 1_450 : to) ? undefined : rttMs,
            isMtuMeasured: true,
            mtu: { leastBytes: 1_000, verifyMs: VERIFY_MS },
          });
          path.run(shrinksMs);
          expect(measurementOf(path.state).mtu).toBe(1_450);
          // A look at what fits, its timeout, the pairs, and the last one's timeout.
          const { intervalMs, timeoutMs } = DEFAULT_PROBE_SETTINGS;
          path.run(shrinksMs + VERIFY_MS + intervalMs + rttMs + 2 * timeoutMs + 150);
          expect(measurementOf(path.state).mtu).toBe(1_280);
          path.run(shrinksMs + 10_000);
          expect(measurementOf(path.state).mtu).toBe(to);
        },
      ),
    );
  });

  test("that becomes less than most paths carry: only the least is of use, and is told two seconds after", () => {
    let truth = 1_450;
    const path = new Path({
      roundTrip: (_sentMs, bytes) => ((bytes ?? 112) > truth ? undefined : 3),
      isMtuMeasured: true,
      mtu: { leastBytes: 1_000, verifyMs: VERIFY_MS },
    });
    path.run(20_000);
    truth = 1_100;
    path.run(22_500);
    expect(measurementOf(path.state).mtu).toBe(1_000);
    path.run(35_000);
    expect(measurementOf(path.state).mtu).toBe(1_100);
  });

  test.each([
    { what: "a tenth of all packets, each way", isLost: (next) => next() < 0.1 },
    {
      what: "three of five, each way, for a third of a second now and then",
      isLost: (next, nowMs) => nowMs % 3_000 < 300 && next() < 0.6,
    },
    {
      what: "the more the larger they are, for a second of five",
      isLost: (next, nowMs, bytes) => nowMs % 5_000 < 1_000 && next() < (0.4 * bytes) / 1_450,
    },
  ] satisfies readonly {
    readonly what: string;
    readonly isLost: (next: () => number, nowMs: number, bytes: number) => boolean;
  }[])("is not taken for less because packets are lost: $what", ({ isLost }) => {
    const random = seededRandom(1);
    const lost = (nowMs: number, bytes: number): boolean =>
      isLost(() => random.next(), nowMs, bytes);
    const path = new Path({
      roundTrip: (sentMs, bytes = 112) =>
        bytes > 1_450 || lost(sentMs, bytes) || lost(sentMs, bytes) ? undefined : 5,
      isMtuMeasured: true,
      mtu: { leastBytes: 1_000, verifyMs: VERIFY_MS },
    });
    path.run(30_000);
    const told = new Set<number | undefined>();
    for (let nowMs = 30_000; nowMs <= 20 * 60_000; nowMs += 500) {
      path.run(nowMs);
      told.add(measurementOf(path.state).mtu);
    }
    expect([...told]).toEqual([1_450]);
  });

  test("packets for their size do not count for up and down, and are few", () => {
    const path = new Path({
      roundTrip: (_sentMs, bytes) => (bytes === undefined ? 3 : undefined),
      isMtuMeasured: true,
    });
    path.run(60_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up"]);
    expect(measurementOf(path.state).lossPercent).toBe(0);
    expect(path.sent).toBeLessThan((2 * 60_000) / 120);
  });
});
