import { describe, expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { DialSlot } from "./dial-slot.ts";
import { RelayedSlots } from "./relayed-slots.ts";
import type { Tunnel } from "./tunnel.ts";

const id = (name: string): ClusterId => name as ClusterId;
const YEAR_MS = 365 * 24 * 3_600_000;

/** Somebody who is dialled, or not, and what became of the tunnels. */
class Far {
  readonly clock = new VirtualClock();
  isThere = true;
  lifeMs = YEAR_MS;
  readonly dialledAtMs: number[] = [];
  /** Of each tunnel that was made: cuts it. */
  readonly cuts: (() => void)[] = [];
  readonly drained: number[] = [];

  readonly slot = (seed = 1): DialSlot =>
    new DialSlot({
      clock: this.clock,
      random: seededRandom(seed),
      onFailed: () => undefined,
      dial: async () => {
        this.dialledAtMs.push(this.clock.monotonicMs());
        if (!this.isThere) return err("nobody there");
        const down = Promise.withResolvers<void>();
        const at = this.cuts.push(() => down.resolve()) - 1;
        const facts = { expiresAtMs: this.clock.nowMs() + this.lifeMs };
        const tunnel = { facts, drain: () => this.drained.push(at) } as unknown as Tunnel;
        return ok({ tunnel, down: down.promise });
      },
    });

  /** Between one try and the next. */
  get pausesMs(): readonly number[] {
    return this.dialledAtMs.slice(1).map((atMs, n) => atMs - (this.dialledAtMs[n] ?? 0));
  }
}

describe("a tunnel that is kept up", () => {
  test("who is not there is dialled again and again, less often each time, never all at once", async () => {
    const far = new Far();
    far.isThere = false;
    far.slot(1).start();
    await far.clock.advance(60_000);
    const growing = far.pausesMs.slice(0, 5);
    for (const [at, pauseMs] of growing.entries()) {
      expect(pauseMs).toBeGreaterThanOrEqual(100 * 2 ** at);
      expect(pauseMs).toBeLessThanOrEqual(200 * 2 ** at);
    }
    for (const pauseMs of far.pausesMs.slice(5)) {
      expect(pauseMs).toBeGreaterThanOrEqual(2_500);
      expect(pauseMs).toBeLessThanOrEqual(5_000);
    }
    const other = new Far();
    other.isThere = false;
    other.slot(2).start();
    await other.clock.advance(60_000);
    expect(other.pausesMs.slice(0, 5)).not.toEqual(growing);
  });

  test("after a good one the next is dialled soon, after one that broke at once less and less often", async () => {
    const far = new Far();
    far.slot().start();
    await far.clock.advance(1);
    const waitAfterCut = async (): Promise<number> => {
      const cutAtMs = far.clock.monotonicMs();
      far.cuts.at(-1)?.();
      await far.clock.advance(6_000);
      return (far.dialledAtMs.at(-1) ?? 0) - cutAtMs;
    };
    const waitsMs: number[] = [];
    for (let n = 0; n < 6; n++) waitsMs.push(await waitAfterCut());
    expect(waitsMs[0]).toBeLessThanOrEqual(400);
    expect(waitsMs[5]).toBeGreaterThanOrEqual(2_500);
    await far.clock.advance(10_000);
    expect(await waitAfterCut()).toBeLessThanOrEqual(200);
  });

  test("before its certificate ends another is up, and only then it takes no more streams", async () => {
    const far = new Far();
    far.lifeMs = 1_000_000;
    const slot = far.slot();
    slot.start();
    await far.clock.advance(799_000);
    expect([far.cuts.length, far.drained]).toEqual([1, []]);
    far.isThere = false;
    await far.clock.advance(150_000);
    expect([far.cuts.length, far.drained, slot.isUp]).toEqual([1, [], true]);
    far.isThere = true;
    await far.clock.advance(5_000);
    expect([far.cuts.length, far.drained, slot.isUp]).toEqual([2, [0], true]);
  });

  test("stopped, it is drained and not made again", async () => {
    const far = new Far();
    const slot = far.slot();
    slot.start();
    await far.clock.advance(1);
    slot.stop();
    await far.clock.advance(60_000);
    expect([far.dialledAtMs.length, far.drained]).toEqual([1, [0]]);
  });
});

test("a tunnel through a neighbour that is wanted no more is kept until another one is up", async () => {
  const far = { near: new Far(), other: new Far() };
  const slots = new RelayedSlots((via) => (via === "near" ? far.near : far.other).slot());
  slots.set([id("near")]);
  await far.near.clock.advance(1);
  far.other.isThere = false;
  slots.set([id("other")]);
  await far.other.clock.advance(10_000);
  slots.set([id("other")]);
  expect(far.near.drained).toEqual([]);
  far.other.isThere = true;
  await far.other.clock.advance(10_000);
  slots.set([id("other")]);
  expect(far.near.drained).toEqual([0]);
  // One that is not up has nothing to wait for.
  far.near.isThere = false;
  slots.set([id("other"), id("near")]);
  await far.near.clock.advance(1);
  slots.set([]);
  const triedTimes = far.near.dialledAtMs.length;
  await far.near.clock.advance(60_000);
  expect([far.near.dialledAtMs.length, far.other.drained]).toEqual([triedTimes, []]);
});
