import { expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { type FirstSync, FirstSyncQueue } from "./first-sync-queue.ts";
import { createBrokerMetrics } from "./metrics.ts";

function aQueue(max: number): {
  readonly clock: VirtualClock;
  readonly queue: FirstSyncQueue;
  /** Names, in the order in which their turns came. */
  readonly begun: string[];
  readonly sync: (name: string) => FirstSync;
} {
  const clock = new VirtualClock();
  const begun: string[] = [];
  return {
    clock,
    queue: new FirstSyncQueue({ clock, metrics: createBrokerMetrics(silentMeter) }, max),
    begun,
    sync: (name) => ({ begin: () => void begun.push(name) }),
  };
}

test("so many at once, the others in the order they came, each in a turn of its own", async () => {
  const { clock, queue, begun, sync } = aQueue(2);
  const [a, b, c, d] = ["a", "b", "c", "d"].map(sync);
  if (!a || !b || !c || !d) throw new Error("there are four");
  for (const each of [a, b, c, d]) queue.enter(each);
  expect(begun).toEqual(["a", "b"]);
  queue.leave(b);
  expect(begun).toEqual(["a", "b"]);
  await clock.advance(0);
  expect(begun).toEqual(["a", "b", "c"]);
  queue.leave(a);
  queue.leave(a);
  await clock.advance(0);
  expect(begun).toEqual(["a", "b", "c", "d"]);
});

test("who comes while the turn is being passed on does not go before those who wait", async () => {
  const { clock, queue, begun, sync } = aQueue(1);
  const first = sync("first");
  queue.enter(first);
  queue.enter(sync("waiting"));
  queue.leave(first);
  queue.enter(sync("late"));
  await clock.advance(0);
  expect(begun).toEqual(["first", "waiting"]);
});

test("one that is gone while it waits has no turn", async () => {
  const { clock, queue, begun, sync } = aQueue(1);
  const [first, gone, next] = [sync("first"), sync("gone"), sync("next")];
  for (const each of [first, gone, next]) queue.enter(each);
  queue.leave(gone);
  queue.leave(first);
  await clock.advance(0);
  expect(begun).toEqual(["first", "next"]);
});

test("one that does not come to an end keeps the others waiting for ten seconds", async () => {
  const { clock, queue, begun, sync } = aQueue(1);
  queue.enter(sync("slow"));
  queue.enter(sync("next"));
  await clock.advance(9_999);
  expect(begun).toEqual(["slow"]);
  await clock.advance(1);
  expect(begun).toEqual(["slow", "next"]);
  expect(clock.timerCount).toBe(1);
});

test("one that ends within its own turn passes it on", async () => {
  const { clock, queue, begun } = aQueue(1);
  const immediate = (name: string): FirstSync => {
    const sync = {
      begin: () => {
        begun.push(name);
        queue.leave(sync);
      },
    };
    return sync;
  };
  for (const name of ["a", "b", "c"]) queue.enter(immediate(name));
  await clock.advance(0);
  expect(begun).toEqual(["a", "b", "c"]);
  expect(clock.timerCount).toBe(0);
});
