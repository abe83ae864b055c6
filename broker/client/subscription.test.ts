import { describe, expect, test } from "vitest";
import { Subscription } from "./subscription.ts";

function told(subscription: Subscription): string[] {
  return subscription
    .changes()
    .map(({ add, remove, generation }) => `${generation} +${add.join()} -${remove.join()}`);
}

describe("subscription", () => {
  test("a first Hello names everything; later changes follow by Subscribe", () => {
    const one = new Subscription();
    one.want(new Set(["a", "b"]));
    expect(one.begin(false)).toEqual(["a", "b"]);
    expect(told(one)).toEqual([]);
    expect([...one.want(new Set(["b", "c"]))]).toEqual(["a"]);
    expect(told(one)).toEqual(["1 +c -a"]);
    expect(told(one)).toEqual([]);
  });

  test("a Hello that resumes names what the versions speak for; the rest is subscribed", () => {
    const one = new Subscription();
    one.want(new Set(["a"]));
    one.begin(false);
    one.want(new Set(["a", "b", "c"]));
    one.changes();
    one.end();
    expect(one.begin(true)).toEqual(["a"]);
    expect(told(one)).toEqual(["1 +b,c -"]);
    one.noteDelivered(1);
    one.end();
    expect(one.begin(true)).toEqual(["a", "b", "c"]);
  });

  test("a namespace that went and came back before the broker heard is asked for again", () => {
    const one = new Subscription();
    one.want(new Set(["a"]));
    one.begin(false);
    one.want(new Set());
    one.want(new Set(["a"]));
    one.noteDelivered(0);
    expect(one.isDelivered).toBe(false);
    expect(told(one)).toEqual(["1 +a -a"]);
    one.noteDelivered(1);
    expect(one.isDelivered).toBe(true);
  });

  test("is delivered when the last generation is", () => {
    const one = new Subscription();
    one.want(new Set(["a"]));
    one.begin(false);
    one.want(new Set(["a", "b"]));
    one.changes();
    one.noteDelivered(0);
    expect([one.isDelivered, one.isSettled("a"), one.isSettled("b")]).toEqual([false, true, false]);
    one.noteDelivered(1);
    expect([one.isDelivered, one.isSettled("b")]).toEqual([true, true]);
    one.end();
    expect([one.isDelivered, one.isSettled("a")]).toEqual([false, false]);
  });

  test("more names than fit one message are split, and removals come before additions", () => {
    const names = (prefix: string): Set<string> =>
      new Set(Array.from({ length: 9000 }, (_, at) => `${prefix}${at}`));
    const one = new Subscription();
    one.want(names("x"));
    expect(one.begin(false)).toHaveLength(8000);
    expect(one.changes().map(({ add, remove }) => [add.length, remove.length])).toEqual([
      [1000, 0],
    ]);
    one.want(names("y"));
    expect(one.changes().map(({ add, remove }) => [add.length, remove.length])).toEqual([
      [0, 8000],
      [7000, 1000],
      [2000, 0],
    ]);
  });
});
