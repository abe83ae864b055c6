import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../../api/invariant.ts";
import { DueTimes } from "./due-times.ts";
import { KeyQueue } from "./key-queue.ts";

describe("KeyQueue", () => {
  test("is first in, first out, and a key is in it once", () => {
    const queue = new KeyQueue();
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
      "a",
      "b",
      "c",
      undefined,
    ]);
  });

  test("a key added while it runs comes again, once, and only after it has ended", () => {
    const queue = new KeyQueue();
    queue.add("a");
    queue.take();
    queue.add("a");
    queue.add("a");
    expect(queue.take()).toBeUndefined();
    queue.succeeded("a");
    expect(queue.take()).toBe("a");
    queue.succeeded("a");
    expect(queue.take()).toBeUndefined();
  });

  test("a failed key waits, dirty or not, and success forgets its failures", () => {
    const queue = new KeyQueue();
    const seen: number[] = [];
    const at = (failures: number): number => {
      seen.push(failures);
      return 100;
    };
    queue.add("a");
    for (let round = 0; round < 2; round++) {
      expect(queue.take()).toBe("a");
      queue.add("a");
      queue.failed("a", at);
      expect(queue.take()).toBeUndefined();
      expect(queue.nextDueMs()).toBe(100);
      queue.promote(99);
      expect(queue.pending).toBe(0);
      queue.promote(100);
    }
    queue.take();
    queue.succeeded("a");
    queue.add("a");
    queue.take();
    queue.failed("a", at);
    expect(seen).toEqual([0, 1, 0]);
  });

  test("keys with news go before keys that have their turn, which are not starved", () => {
    const queue = new KeyQueue();
    for (let at = 0; at < 3; at++) queue.addInTurn(`turn-${at}`);
    for (let at = 0; at < 20; at++) queue.add(`news-${at}`);
    const order: string[] = [];
    for (let key = queue.take(); key !== undefined; key = queue.take()) order.push(key);
    expect(order).toHaveLength(23);
    expect(order[0]).toBe("news-0");
    expect(order.flatMap((key, at) => (key.startsWith("turn") ? [at] : []))).toEqual([7, 15, 22]);
  });

  test("news about a key whose turn is yet to come bring it forward, and its turn does not hold it back", () => {
    const queue = new KeyQueue();
    queue.addInTurn("a");
    queue.addInTurn("b");
    queue.add("b");
    queue.addInTurn("b");
    expect(queue.pending).toBe(2);
    expect([queue.take(), queue.take(), queue.take()]).toEqual(["b", "a", undefined]);
  });

  test("a turn while the key runs is another run", () => {
    const queue = new KeyQueue();
    queue.add("a");
    queue.take();
    queue.addInTurn("a");
    expect(queue.take()).toBeUndefined();
    queue.succeeded("a");
    expect(queue.take()).toBe("a");
  });

  test("news about a delayed key bring it at once, and not a second time", () => {
    const queue = new KeyQueue();
    queue.addAt("a", 100);
    queue.add("a");
    expect(queue.take()).toBe("a");
    queue.succeeded("a");
    queue.promote(1_000);
    expect(queue.take()).toBeUndefined();
  });

  test("ending a key that does not run is a bug", () => {
    expect(() => new KeyQueue().succeeded("a")).toThrow(InvariantError);
  });

  test("no add is lost and no key runs twice at once, whatever the order of calls", () => {
    const key = fc.constantFrom("a", "b", "c");
    const call = fc.oneof(
      fc.record({ kind: fc.constantFrom("add", "addInTurn"), key, ms: fc.constant(0) }),
      fc.record({ kind: fc.constant("addAt"), key, ms: fc.nat(50) }),
      fc.record({ kind: fc.constant("take"), key, ms: fc.constant(0) }),
      fc.record({ kind: fc.constantFrom("succeed", "fail"), key, ms: fc.nat(50) }),
      fc.record({ kind: fc.constant("pass"), key, ms: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(call, { maxLength: 80 }), (calls) => {
        const queue = new KeyQueue();
        const running = new Set<string>();
        /** Keys that must still run once more (a run that starts afterwards settles the debt). */
        const owed = new Set<string>();
        let nowMs = 0;
        const take = (): string | undefined => {
          const taken = queue.take();
          if (taken === undefined) return undefined;
          expect(running.has(taken)).toBe(false);
          running.add(taken);
          owed.delete(taken);
          return taken;
        };
        for (const { kind, key, ms } of calls) {
          if (kind === "add" || kind === "addInTurn" || kind === "addAt") {
            owed.add(key);
            if (kind === "add") queue.add(key);
            else if (kind === "addInTurn") queue.addInTurn(key);
            else queue.addAt(key, nowMs + ms);
          } else if (kind === "take") take();
          else if (kind === "pass") {
            nowMs += ms;
            queue.promote(nowMs);
          } else if (running.delete(key)) {
            if (kind === "succeed") queue.succeeded(key);
            else {
              owed.add(key);
              queue.failed(key, () => nowMs + ms);
            }
          }
          expect(queue.running).toBe(running.size);
        }
        for (const left of running) queue.succeeded(left);
        running.clear();
        queue.promote(Number.MAX_SAFE_INTEGER);
        while (take() !== undefined);
        expect([...owed]).toEqual([]);
        expect(queue.delayed).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

test("DueTimes gives keys in the order of their earliest times", () => {
  const entry = fc.tuple(
    fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"),
    fc.nat(100),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 200 }), (entries) => {
      const times = new DueTimes();
      const model = new Map<string, number>();
      for (const [key, atMs, remove] of entries) {
        if (remove) {
          times.delete(key);
          model.delete(key);
        } else {
          times.set(key, atMs);
          model.set(key, Math.min(atMs, model.get(key) ?? Number.POSITIVE_INFINITY));
        }
        expect(times.size).toBe(model.size);
        expect(times.nextMs()).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      }
      const got: number[] = [];
      for (let key = times.takeDue(1_000); key !== undefined; key = times.takeDue(1_000)) {
        got.push(model.get(key) ?? -1);
        model.delete(key);
      }
      expect(got).toEqual([...got].sort((one, other) => one - other));
      expect(model.size).toBe(0);
    }),
  );
});
