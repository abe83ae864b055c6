import { expect, test } from "vitest";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { TokenBucket } from "./token-bucket.ts";

test("a burst goes at once, the rest at the sustained rate, in order", async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, clock);
  const { signal } = new AbortController();
  const went: string[] = [];
  for (let index = 0; index < 6; index++) {
    void bucket.take(signal).then(() => went.push(`${index}@${clock.monotonicMs()}`));
  }
  await clock.advance(1_000);
  expect(went).toEqual(["0@0", "1@0", "2@0", "3@100", "4@200", "5@300"]);
});

test("a quiet time earns no more than the burst", async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, clock);
  await clock.advance(60_000);
  const { signal } = new AbortController();
  let went = 0;
  for (let index = 0; index < 5; index++) void bucket.take(signal).then(() => (went += 1));
  await clock.advance(50);
  expect(went).toBe(2);
});

test("who gives up returns early and leaves its turn to the next", async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, clock);
  const { signal } = new AbortController();
  const stop = new AbortController();
  await bucket.take(signal);
  const givenUp = bucket.take(stop.signal);
  stop.abort();
  await givenUp;
  let wentMs = -1;
  void bucket.take(signal).then(() => (wentMs = clock.monotonicMs()));
  await clock.advance(5_000);
  expect(wentMs).toBe(1_000);
});
