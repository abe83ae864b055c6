import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRate, RATE_MAX, RATE_MIN } from "../../api/slices/rate.ts";
import type { Slice } from "../../api/slices/slice.ts";
import { kernelRate } from "../vxlan/plan/kernel-rate.ts";
import { sliceQueues } from "./slice-queues.ts";

function slice(name: string, bandwidth: Slice["bandwidth"]): Slice {
  return { name, clusters: [], namespaces: [], podLabels: {}, bandwidth };
}

describe("sliceQueues", () => {
  test("nothing where no slice has a floor or ceiling", () => {
    const queues = sliceQueues([slice("a", {})], ["isth-wan"], 1e9);
    expect(queues).toEqual({ queues: [], classes: [] });
  });

  test("floors are what a class has before any borrows, ceilings what it never exceeds, and the rest is shared", () => {
    const slices = [
      slice("both", { floor: 40e6, ceiling: 50e6 }),
      slice("ceiling", { ceiling: 5e6 }),
      slice("floor", { floor: 20e6 }),
      slice("none", {}),
    ];
    const link = "isth-wan";
    expect(sliceQueues(slices, [link], 100e6)).toEqual({
      queues: [{ link, fallback: 2 }],
      classes: [
        { link, minor: 1, rate: "100Mbit", ceil: "100Mbit" },
        { link, minor: 2, rate: "20Mbit", ceil: "100Mbit" },
        { link, minor: 3, rate: "40Mbit", ceil: "50Mbit" },
        { link, minor: 4, rate: "5Mbit", ceil: "5Mbit" },
        { link, minor: 5, rate: "20Mbit", ceil: "100Mbit" },
      ],
    });
  });
});

describe("kernelRate", () => {
  test.each([
    [8_000, "8Kbit"],
    [20_000_000, "20Mbit"],
    [1_500_000_000, "1500Mbit"],
    [100e9, "100Gbit"],
    [12_345_678, "12345Kbit"],
    [8_001, "8Kbit"],
    [123_456, "123456bit"],
  ])("%d is %s", (rate, text) => {
    expect(kernelRate(rate)).toBe(text);
  });

  test("says the same of what it has said, so that what is there equals what was wanted", () => {
    const factors: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
    fc.assert(
      fc.property(fc.integer({ min: RATE_MIN, max: RATE_MAX }), (rate) => {
        const text = kernelRate(rate);
        const [, number = "", unit = ""] = /^([0-9]+)([KMGT]?)bit$/.exec(text) ?? [];
        expect(kernelRate(Number(number) * (factors[unit] ?? 1))).toBe(text);
      }),
    );
  });
});

test("parseRate reads what people write for tc", () => {
  expect(parseRate("1.5Gbit")).toEqual({ ok: true, value: 1.5e9 });
  expect(parseRate("4kbit").ok).toBe(false);
});
