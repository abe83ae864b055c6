import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Short files that take long, as seen on two cores; the longest first. */
const LONG = [
  "test/sim/sim.test.ts",
  "test/system/broker-crash.test.ts",
  "test/sim/paths/paths-sim.test.ts",
  "test/system/etcd-faults.test.ts",
  "test/e2e/faults.test.ts",
  "test/e2e/membership.test.ts",
  "test/e2e/verify.test.ts",
  "test/system/kube-store.test.ts",
  "test/e2e/explain.test.ts",
  "test/e2e/not-ready.test.ts",
  "test/sim/bugs/planted-bugs.test.ts",
  "test/system/etcd-store.test.ts",
];

/**
 * In which order files are begun. On a fresh clone vitest knows no durations and begins with the largest files; the longest
 * runs would then begin last, and one core would wait for another.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((path) => moduleId.endsWith(`/${path}`));
      return at < 0 ? LONG.length : at;
    };
    // Stable, so that all others stay as they are.
    return sorted.toSorted((a, b) => order(a) - order(b) || rank(a) - rank(b));
  }
}

/** Groups of projects, one after the other, come before everything else. */
function order({ project }: TestSpecification): number {
  return project.config.sequence.groupOrder;
}
