import { expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { ReflectorStatus } from "../../runtime/kube/reflector/reflector.ts";
import { Freshness } from "./freshness.ts";

function reflector() {
  const status: { -readonly [K in keyof ReflectorStatus]: ReflectorStatus[K] } = {
    resource: NAMESPACES,
    phase: "watching",
    synced: true,
  };
  return {
    status: () => status,
    fail: () => {
      status.error = { kind: "unavailable", message: "connection refused" };
    },
    recover: () => {
      delete status.error;
    },
  };
}

test("a collection that fails for longer than allowed is named, and why; it recovers", async () => {
  const clock = new VirtualClock();
  const one = reflector();
  const other = reflector();
  const freshness = new Freshness([one, other], { staleAfterMs: 120_000 }, clock);
  freshness.start();
  await clock.advance(600_000);
  expect(freshness.check()).toBe(true);
  one.fail();
  await clock.advance(119_000);
  expect(freshness.check()).toBe(true);
  await clock.advance(3_000);
  expect(freshness.check()).toBe("namespaces not followed for 122 s: connection refused");
  one.recover();
  await clock.advance(1_000);
  expect(freshness.check()).toBe(true);
  freshness.stop();
});

test("0 means that nothing ever is stale", async () => {
  const clock = new VirtualClock();
  const one = reflector();
  const freshness = new Freshness([one], { staleAfterMs: 0 }, clock);
  freshness.start();
  one.fail();
  await clock.advance(3_600_000);
  expect(freshness.check()).toBe(true);
  freshness.stop();
});
