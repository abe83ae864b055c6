import { expect, test } from "vitest";
import { LatencySketch } from "./latency-sketch.ts";

test("quantiles are at most a quarter more than what was seen", () => {
  const sketch = new LatencySketch();
  expect(sketch.quantile(0.5)).toBeUndefined();
  for (let ms = 1; ms <= 100; ms++) sketch.observe(ms);
  for (const [part, exact] of [
    [0.5, 50],
    [0.99, 99],
  ] as const) {
    expect(sketch.quantile(part)).toBeGreaterThanOrEqual(exact * 0.97);
    expect(sketch.quantile(part)).toBeLessThanOrEqual(exact * 1.28);
  }
});

test.each([
  { ms: 0, most: 0.1 },
  { ms: 1e9, most: 150_000 },
])("$ms ms has a bound too", ({ ms, most }) => {
  const sketch = new LatencySketch();
  sketch.observe(ms);
  expect(sketch.quantile(1)).toBeLessThanOrEqual(most);
});

test("what was long ago counts no more", () => {
  const sketch = new LatencySketch();
  for (let n = 0; n < 100_000; n++) sketch.observe(500);
  for (let n = 0; n < 4_096; n++) sketch.observe(1);
  expect(sketch.quantile(0.5)).toBeLessThan(2);
});
