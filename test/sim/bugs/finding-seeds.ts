/**
 * The first seed that finds each planted bug, where it is not the first of all: tried before the others, so that the test
 * need not run them. One that finds it no more costs time, nothing else.
 */
export const FINDING_SEEDS: ReadonlyMap<string, number> = new Map([
  ["synced-too-early", 23],
  ["not-ready-offered", 5],
  ["withdrawn-at-shutdown", 14],
  ["stale-slice-ports", 2],
  ["ownership-not-checked", 10],
  ["address-not-kept", 2],
  ["write-errors-swallowed", 33],
  ["status-always-new", 3],
  ["lost-ones-kept", 2],
  ["unknown-is-none", 71],
  ["own-loss-is-theirs", 51],
  ["slices-unseen-by-dns", 8],
  ["second-family-overwrites", 16],
  ["works-on-without-lease", 34],
  ["lease-never-expires", 5],
]);
