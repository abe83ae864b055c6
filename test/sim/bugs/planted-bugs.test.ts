import { expect, test } from "vitest";
import { runScript } from "../run-script.ts";
import { drawScript } from "../script/draw-script.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";

/** docs/testing.md says how many seeds each needs; all need far fewer. */
const SEEDS_MAX = 200;
/** Of all those seeds, on a machine that is busy with other things. */
const TIMEOUT_MS = 900_000;

test.each(PLANTED_BUGS)(
  "the simulation finds $name: $mistake",
  { timeout: TIMEOUT_MS },
  async ({ wiring, breaks }) => {
    for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
      const { violation } = await runScript(drawScript(seed), wiring);
      if (violation !== undefined && breaks.includes(violation.invariant)) return;
    }
    expect.fail(`not found within ${SEEDS_MAX} seeds`);
  },
);
