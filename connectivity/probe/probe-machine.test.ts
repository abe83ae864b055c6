import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { measurementOf, startTarget, stepTarget } from "./probe-machine.ts";
import { DEFAULT_PROBE_SETTINGS, DEFAULT_REFUSAL_SETTINGS } from "./probe-settings.ts";
import { ProbedPath, WALL_MS } from "./probed-path.fixture.ts";

describe("a path", () => {
  test("is up after five answers, with its round trip and no loss", () => {
    const path = new ProbedPath({ roundTrip: () => 20 });
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
          const path = new ProbedPath({
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
    const path = new ProbedPath({ roundTrip: () => (count++ % 5 < 2 ? undefined : 10) });
    path.run(60_000);
    // Never five in a row answered, so never up; three in a row answered, so never down.
    expect(path.changes).toEqual([]);
    expect(measurementOf(path.state).lossPercent).toBeCloseTo(40, 0);
  });

  test("a long way is waited for: 400 ms are no loss", () => {
    const path = new ProbedPath({ roundTrip: () => 400 });
    path.run(10_000);
    expect(path.changes.map(({ state }) => state)).toEqual(["up"]);
    expect(measurementOf(path.state).lossPercent).toBe(0);
  });

  test("that becomes long is learned from late answers, and is up again", () => {
    const path = new ProbedPath({ roundTrip: (sentMs) => (sentMs < 5_000 ? 5 : 300) });
    path.run(20_000);
    expect(path.state.state).toBe("up");
    expect(measurementOf(path.state).rttMs).toBeCloseTo(300, -1);
  });

  test("nobody there from the start: down, not unknown for ever", () => {
    const path = new ProbedPath({ roundTrip: () => undefined });
    path.run(3_000);
    expect(path.changes).toEqual([{ atMs: 1_300, state: "down" }]);
    expect(measurementOf(path.state)).toMatchObject({ rttMs: undefined, lossPercent: 100 });
  });
});

describe("a responder whose process is gone", () => {
  /** Answers but from the one moment to the other. */
  function goneFrom(goneMs: number, backMs: number): ProbedPath {
    return new ProbedPath({
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
  const path = new ProbedPath({ roundTrip: () => 5 });
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
  const path = new ProbedPath({ roundTrip: () => 5 });
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
