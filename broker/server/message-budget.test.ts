import { expect, test } from "vitest";
import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import { MessageBudget } from "./message-budget.ts";

const ping: MemberMessage["message"] = { $case: "ping", value: { nonce: 1 } };
const names = Array.from({ length: 10_000 }, (_, at) => `n${at}`);

function spendUntilEmpty(budget: MessageBudget, message: MemberMessage["message"]): number {
  let count = 0;
  for (; budget.waitMs(0) === 0; count++) budget.spend(message, 0);
  return count;
}

test.each<{ name: string; message: MemberMessage["message"]; want: number }>([
  { name: "pings", message: ping, want: 50_000 },
  { name: "unknown messages", message: undefined, want: 50_000 },
  {
    name: "small Subscribes",
    message: { $case: "subscribe", value: { add: [], remove: [], generation: 1 } },
    want: 1000,
  },
  {
    name: "large Subscribes",
    message: { $case: "subscribe", value: { add: names, remove: [], generation: 1 } },
    want: 334,
  },
  {
    name: "Hellos",
    message: {
      $case: "hello",
      value: {
        protocolVersions: [1],
        storeEpoch: "",
        namespaces: [],
        known: [],
        cidrs: [],
        capabilities: [],
        ownDigest: new Uint8Array(),
      },
    },
    want: 100,
  },
])("a burst of $want $name passes, then the member waits", ({ message, want }) => {
  expect(spendUntilEmpty(new MessageBudget(0), message)).toBe(want);
});

test("after the burst messages pass at a steady pace, and the wait it tells is enough", () => {
  const budget = new MessageBudget(0);
  spendUntilEmpty(budget, ping);
  let passed = 0;
  for (let nowMs = 0; nowMs <= 10_000; nowMs += Math.max(1, budget.waitMs(nowMs))) {
    for (; budget.waitMs(nowMs) === 0; passed++) budget.spend(ping, nowMs);
  }
  expect(passed).toBeGreaterThan(49_000);
  expect(passed).toBeLessThanOrEqual(50_001);
});

test("fills up, and not beyond", () => {
  const budget = new MessageBudget(0);
  budget.spend(ping, 0);
  expect([budget.isFull(0), budget.isFull(1000)]).toEqual([false, true]);
  budget.waitMs(1e9);
  let burst = 0;
  for (; budget.waitMs(1e9) === 0; burst++) budget.spend(ping, 1e9);
  expect(burst).toBe(50_000);
});
