import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";
import { runSeed, type SeedResult } from "./runner/run-seed.ts";
import { runSeeds } from "./runner/run-seeds.ts";
import { DEFAULT_SCRIPT, drawScript } from "./script/draw-script.ts";
import { shrinkScript } from "./script/shrink-script.ts";
import { type Script, stepText } from "./script/step.ts";

const SEEDS = 150;
/** So many a test, so that a failure names a narrow range and no test is long. */
const CHUNK = 10;

const chunks = Array.from({ length: SEEDS / CHUNK }, (_, chunk) => ({
  first: chunk * CHUNK + 1,
  last: (chunk + 1) * CHUNK,
}));

test.each(chunks)("I1 to I12 hold in seeds $first to $last", async ({ first, last }) => {
  const failures: string[] = [];
  for (let seed = first; seed <= last; seed += 1) {
    const { violation } = await runScript(drawScript(seed));
    if (violation === undefined) continue;
    failures.push(
      `${violation.invariant} ${violation.text}; replay: npm run sim -- --seed ${seed}`,
    );
  }
  expect(failures).toEqual([]);
});

test("the same seed gives the same run, to the millisecond", async () => {
  const once = await runScript(drawScript(7));
  const again = await runScript(drawScript(7));
  expect(again.trace).toEqual(once.trace);
  expect(once.trace.length).toBeGreaterThan(100);
});

test("threads give every seed once, and the same result as without threads", async () => {
  const job = { script: DEFAULT_SCRIPT, bug: "conflict-hidden" };
  const results: SeedResult[] = [];
  const onResult = (result: SeedResult): void => void results.push(result);
  await runSeeds({ range: { from: 1, count: 3 }, job, jobs: 2, onResult });
  const expected = await Promise.all([1, 2, 3].map((seed) => runSeed(seed, job)));
  expect(results.toSorted((a, b) => a.seed - b.seed)).toEqual(expected);
  expect(expected.some(({ violation }) => violation !== undefined)).toBe(true);
});

test("different seeds give different scripts", () => {
  const texts = [1, 2, 3].map((seed) => drawScript(seed).steps.map(stepText).join());
  expect(new Set(texts).size).toBe(3);
});

test("shrinking keeps what the failure needs and nothing else", async () => {
  const isNeeded = new Set([3, 17, 40]);
  const script = drawScript(1);
  const steps = script.steps.map((step, index) => ({ ...step, waitMs: index }));
  const hasAll = (candidate: Script): boolean =>
    [...isNeeded].every((index) => candidate.steps.some(({ waitMs }) => waitMs === index));
  const smallest = await shrinkScript({ ...script, steps }, (candidate) =>
    Promise.resolve(hasAll(candidate)),
  );
  expect(smallest.steps.map(({ waitMs }) => waitMs)).toEqual([...isNeeded]);
});
