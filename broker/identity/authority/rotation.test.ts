import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextPhaseMs, phaseAt, planRotation } from "./rotation.ts";

const HOUR = 3600_000;
const START = Date.UTC(2026, 0, 1);
const needs = { certificateLifeMs: 24 * HOUR, lastCertificateMs: START, lastTokenMs: START };

describe("rotation", () => {
  test("takes twice a certificate's life and a tenth", () => {
    const rotation = planRotation(START, needs);
    expect((rotation.switchAtMs - START) / HOUR).toBeCloseTo(26.4);
    expect((rotation.retireAtMs - rotation.switchAtMs) / HOUR).toBeCloseTo(26.4);
  });

  test.each([
    {
      name: "a longer certificate issued earlier",
      change: { lastCertificateMs: START + 90 * HOUR },
    },
    {
      name: "a token that names the old authority alone",
      change: { lastTokenMs: START + 90 * HOUR },
    },
  ])("waits for $name", ({ change }) => {
    const { switchAtMs } = planRotation(START, { ...needs, ...change });
    expect(switchAtMs).toBeGreaterThanOrEqual(START + 90 * HOUR);
  });

  test("goes through its phases at their times", () => {
    const rotation = planRotation(START, needs);
    const { switchAtMs, retireAtMs } = rotation;
    const at = [START, switchAtMs - 1, switchAtMs, retireAtMs - 1, retireAtMs];
    expect(at.map((nowMs) => [phaseAt(rotation, nowMs), nextPhaseMs(rotation, nowMs)])).toEqual([
      ["spreading", switchAtMs],
      ["spreading", switchAtMs],
      ["switched", retireAtMs],
      ["switched", retireAtMs],
      ["over", undefined],
    ]);
  });

  /** What a certificate issued at a moment is handed out with, and who accepts it later. */
  interface Held {
    readonly issuedMs: number;
    readonly by: "old" | "new";
    readonly trusts: readonly ("old" | "new")[];
  }
  const world = (phase: "before" | ReturnType<typeof phaseAt>): Omit<Held, "issuedMs"> => {
    if (phase === "before") return { by: "old", trusts: ["old"] };
    if (phase === "spreading") return { by: "old", trusts: ["old", "new"] };
    return phase === "switched"
      ? { by: "new", trusts: ["old", "new"] }
      : { by: "new", trusts: ["new"] };
  };

  test("whoever holds a valid certificate trusts the broker and is trusted by it, at every moment", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 * 24 }),
        fc.double({ min: -2, max: 4, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (hours, startedAt, age) => {
          const lifeMs = hours * HOUR;
          const rotation = planRotation(START, {
            certificateLifeMs: lifeMs,
            lastCertificateMs: START + lifeMs,
            lastTokenMs: START,
          });
          const phase = (ms: number): "before" | ReturnType<typeof phaseAt> =>
            ms < START ? "before" : phaseAt(rotation, ms);
          // A member whose certificate was issued at some time, looked at before it expires.
          const issuedMs = START + startedAt * lifeMs;
          const nowMs = issuedMs + age * lifeMs;
          const member: Held = { issuedMs, ...world(phase(issuedMs)) };
          const broker = world(phase(nowMs));
          expect(member.trusts).toContain(broker.by);
          expect(broker.trusts).toContain(member.by);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
