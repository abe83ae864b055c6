import { expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { PresenceNews } from "./presence-news.ts";

function aTeller(): { clock: VirtualClock; news: PresenceNews; told: string[] } {
  const clock = new VirtualClock();
  const told: string[] = [];
  const news = new PresenceNews(clock, (clusters) => {
    told.push(`${clock.monotonicMs()}: ${[...clusters].join(" ")}`);
  });
  return { clock, news, told };
}

test("a few are told at once, a crowd together, and after a quiet time at once again", async () => {
  const { clock, news, told } = aTeller();
  const crowd = ["a", "b", "c", "d", "e", "f", "g", "h"];
  for (const name of crowd) news.add(testCluster(name));
  expect(told).toEqual(crowd.map((name) => `0: ${name}`));
  for (const name of ["i", "j", "i"]) news.add(testCluster(name));
  await clock.advance(600);
  news.add(testCluster("k"));
  expect(told).toHaveLength(crowd.length);
  await clock.advance(400);
  news.add(testCluster("l"));
  await clock.advance(2000);
  expect(told.slice(crowd.length)).toEqual(["1000: i j k", "1000: l"]);
});

test("nothing is told after the end", async () => {
  const { clock, news, told } = aTeller();
  for (let at = 0; at < 20; at++) news.add(testCluster(`c${at}`));
  news.stop();
  await clock.advance(5000);
  expect([told.length, clock.timerCount]).toEqual([8, 0]);
});
