import { expect, test } from "vitest";
import { err, ok, type Result } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { ReconcileLoop } from "./reconcile-loop.ts";

class World {
  readonly clock = new VirtualClock();
  /** Whether each pass was one of the regular ones. */
  readonly passes: boolean[] = [];
  outcome: Result<void, string> = ok(undefined);
  during: (() => void) | undefined;
  readonly #stop = new AbortController();
  readonly loop = new ReconcileLoop(
    30_000,
    { clock: this.clock, random: seededRandom(1), log },
    async (isPeriodic) => {
      this.passes.push(isPeriodic);
      this.during?.();
      return this.outcome;
    },
  );
  readonly #running = this.loop.run(this.#stop.signal);

  async end(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(60_000);
    await this.#running;
  }
}

test("one pass at the start, one when woken, and one every so often", async () => {
  const world = new World();
  await world.clock.advance(1_000);
  expect(world.passes).toEqual([false]);
  world.loop.wake();
  await world.clock.advance(1_000);
  expect(world.passes).toEqual([false, false]);
  await world.clock.advance(31_000);
  expect(world.passes).toEqual([false, false, true]);
  await world.end();
  expect(world.passes).toHaveLength(3);
});

test("woken during a pass, however often, it runs once more", async () => {
  const world = new World();
  await world.clock.advance(1_000);
  let left = 1;
  world.during = () => {
    if (left-- > 0) for (let at = 0; at < 5; at++) world.loop.wake();
  };
  world.loop.wake();
  await world.clock.advance(1_000);
  expect(world.passes).toEqual([false, false, false]);
  await world.end();
});

test("what failed is tried again ever more rarely, never as a regular pass, until it succeeds", async () => {
  const world = new World();
  world.outcome = err("no nft");
  world.loop.wake();
  await world.clock.advance(1_000);
  const early = world.passes.length;
  expect(early).toBeGreaterThanOrEqual(3);
  await world.clock.advance(60_000);
  expect(world.passes.length - early).toBeLessThan(40);
  expect(world.passes).not.toContain(true);
  world.outcome = ok(undefined);
  await world.clock.advance(10_000);
  const healed = world.passes.length;
  await world.clock.advance(15_000);
  expect(world.passes).toHaveLength(healed);
  await world.end();
});

test("who is woken all the time looks every so often all the same", async () => {
  const world = new World();
  // As reports of gateways do it, which are renewed each 10 s.
  for (let second = 0; second < 100; second += 5) {
    world.loop.wake();
    await world.clock.advance(5_000);
  }
  expect(world.passes.filter((isRegular) => isRegular)).toHaveLength(3);
  await world.end();
});

test("somebody may have changed something: it looks at once, and not more than once a second after its own changes", async () => {
  const world = new World();
  await world.clock.advance(5_000);
  world.loop.look();
  await world.clock.advance(10);
  expect(world.passes).toEqual([false, true]);
  for (let at = 0; at < 10; at++) {
    world.loop.look();
    await world.clock.advance(50);
  }
  expect(world.passes).toEqual([false, true]);
  await world.clock.advance(1_000);
  expect(world.passes).toEqual([false, true, true]);
  // Next to it whoever wakes is not kept waiting.
  world.loop.look();
  world.loop.wake();
  await world.clock.advance(10);
  expect(world.passes).toEqual([false, true, true, false]);
  await world.clock.advance(5_000);
  expect(world.passes).toEqual([false, true, true, false, true]);
  await world.clock.advance(25_000);
  expect(world.passes).toHaveLength(5);
  await world.end();
});

test("who is woken all the time looks soon all the same when somebody may have changed something", async () => {
  const world = new World();
  await world.clock.advance(5_000);
  for (let at = 0; at < 30; at++) {
    world.loop.wake();
    await world.clock.advance(100);
    if (at === 5) world.loop.look();
  }
  expect(world.passes.filter((isRegular) => isRegular)).toHaveLength(1);
  await world.end();
});
