import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The kernel's first generation of control groups: one hierarchy for CPU time. */
const CPU_GROUPS = "/sys/fs/cgroup/cpu";
/** The second: one hierarchy for all, where the root must hand `cpu` on. */
const UNIFIED_GROUPS = "/sys/fs/cgroup";
/** Short, so that a process at its limit stops often and briefly; longer where the kernel's least quota would not fit. */
const PERIOD_MIN_US = 10_000;
const QUOTA_MIN_US = 1000;
/** The most that the kernel takes: what the quota allows is there, whoever else wants the core. */
const FIRST_SHARES_MAX = 262_144;
const UNIFIED_WEIGHT_MAX = 10_000;

/** A control group with a part of one core for each process, ahead of other groups. Needs root, and control groups that can be written. */
export class CpuQuotas implements Disposable {
  /** BOUNDED: by the processes given. */
  readonly #folders: string[] = [];

  /** False, and nothing is changed, where this machine has no such groups. */
  limit(pids: readonly number[], percent: number): boolean {
    const periodUs = Math.max(PERIOD_MIN_US, Math.round((QUOTA_MIN_US * 100) / percent));
    const quotaUs = Math.round((periodUs * percent) / 100);
    const isFirst = isWritable(join(CPU_GROUPS, "cpu.cfs_quota_us"), CPU_GROUPS);
    try {
      for (const pid of pids) {
        const folder = join(isFirst ? CPU_GROUPS : UNIFIED_GROUPS, `isthmus-bench-${pid}`);
        mkdirSync(folder);
        this.#folders.push(folder);
        if (isFirst) {
          writeFileSync(join(folder, "cpu.cfs_period_us"), `${periodUs}`);
          writeFileSync(join(folder, "cpu.cfs_quota_us"), `${quotaUs}`);
          writeFileSync(join(folder, "cpu.shares"), `${FIRST_SHARES_MAX}`);
        } else {
          writeFileSync(join(folder, "cpu.max"), `${quotaUs} ${periodUs}`);
          writeFileSync(join(folder, "cpu.weight"), `${UNIFIED_WEIGHT_MAX}`);
        }
        writeFileSync(join(folder, "cgroup.procs"), `${pid}`);
      }
      return true;
    } catch {
      this[Symbol.dispose]();
      return false;
    }
  }

  /** Groups vanish once their processes have gone, or are moved back. */
  [Symbol.dispose](): void {
    for (const folder of this.#folders.splice(0)) {
      try {
        rmdirSync(folder);
      } catch {
        // Still inhabited: its process ends with the benchmark, the empty group is harmless.
      }
    }
  }
}

function isWritable(...paths: readonly string[]): boolean {
  try {
    for (const path of paths) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
