import { expect, test } from "vitest";
import { runScript } from "../run-script.ts";
import { PATH_BUGS } from "./path-bugs.ts";
import { drawPathScript } from "./path-script.ts";

const SEEDS = 6;
/** docs/testing.md says how many seeds each bug needs. */
const BUG_SEEDS_MAX = 200;
/** Of all those seeds, on a machine that is busy with other things. */
const TIMEOUT_MS = 900_000;

test("paths that die, heal and are pinned: every promise holds", {
  timeout: TIMEOUT_MS,
}, async () => {
  const failures: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violation } = await runScript(drawPathScript(seed));
    if (violation === undefined) continue;
    const { invariant, text } = violation;
    failures.push(`${invariant} ${text}; replay: npm run sim -- --world paths --seed ${seed}`);
  }
  expect(failures).toEqual([]);
});

test("the same seed gives the same run, to the millisecond", async () => {
  const once = await runScript(drawPathScript(5));
  const again = await runScript(drawPathScript(5));
  expect(again.trace).toEqual(once.trace);
  expect(once.trace.length).toBeGreaterThan(50);
});

test.each(PATH_BUGS)(
  "the simulation finds $name: $mistake",
  { timeout: TIMEOUT_MS },
  async ({ wiring, breaks, seed: known }) => {
    const seeds = Array.from({ length: BUG_SEEDS_MAX }, (_, index) => index + 1);
    // The one that is known to find it goes first: the others are for when it does no more.
    for (const seed of [known, ...seeds.filter((one) => one !== known)]) {
      const { violation } = await runScript(drawPathScript(seed), wiring);
      if (violation !== undefined && breaks.includes(violation.invariant)) return;
    }
    expect.fail(`not found within ${BUG_SEEDS_MAX} seeds`);
  },
);
