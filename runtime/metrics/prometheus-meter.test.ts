import { describe, expect, test } from "vitest";
import { PrometheusMeter } from "./prometheus-meter.ts";

describe("PrometheusMeter", () => {
  test("parts that ask for one name share the metric", async () => {
    const meter = new PrometheusMeter();
    const options = { name: "isthmus_test_things_total", help: "Things.", labels: ["kind"] };
    meter.counter(options).add(1, { kind: "a" });
    meter.counter(options).add(2, { kind: "a" });
    expect(await meter.text()).toContain('isthmus_test_things_total{kind="a"} 3');
  });

  test("histograms and gauges too", async () => {
    const meter = new PrometheusMeter();
    const seconds = { name: "isthmus_test_wait_seconds", help: "Waits.", buckets: [1, 2] };
    meter.histogram(seconds).observe(0.5);
    meter.histogram(seconds).observe(1.5);
    const size = { name: "isthmus_test_size_bytes", help: "Size." };
    meter.gauge(size).set(1);
    meter.gauge(size).set(7);
    const text = await meter.text();
    expect(text).toContain("isthmus_test_wait_seconds_count 2");
    expect(text).toContain("isthmus_test_size_bytes 7");
  });

  test("one name of two kinds is refused", () => {
    const meter = new PrometheusMeter();
    meter.counter({ name: "isthmus_test_odd_total", help: "Odd." });
    expect(() => meter.gauge({ name: "isthmus_test_odd_total", help: "Odd." })).toThrow(
      /already been registered/,
    );
  });
});
