/** Runs after which shrinking gives up and returns what it has. */
const RUNS_MAX = 400;

/**
 * The smallest script found that still fails: leaves out ever smaller pieces (delta debugging). Works because each
 * step means the same with or without the others.
 * @param isFailing whether a script still shows the failure that is looked for.
 */
export async function shrinkScript<T extends { readonly steps: readonly unknown[] }>(
  script: T,
  isFailing: (candidate: T) => Promise<boolean>,
): Promise<T> {
  let best = script;
  let runs = 0;
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; ) {
    let hasShrunk = false;
    for (let at = 0; at < best.steps.length && runs < RUNS_MAX; ) {
      const candidate = { ...best, steps: best.steps.toSpliced(at, size) };
      runs += 1;
      if (await isFailing(candidate)) {
        best = candidate;
        hasShrunk = true;
      } else {
        at += size;
      }
    }
    if (runs >= RUNS_MAX) return best;
    if (size > 1) size = Math.floor(size / 2);
    else if (!hasShrunk) return best;
  }
  return best;
}
