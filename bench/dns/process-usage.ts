import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc, the same on every Linux of today. */
const TICKS_PER_SECOND = 100;

/** CPU time of the process and those it started so far, with all their threads, user and system. */
export function cpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, member) => sum + ownCpuSeconds(member), 0);
}

function ownCpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, the name, may hold anything, blanks too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory, MiB; of several processes, what they share counts once. */
export function memoryMiB(pid: number): number {
  const pids = tree(pid);
  const kib =
    pids.length === 1
      ? field(`/proc/${pid}/status`, "VmRSS")
      : pids.reduce((sum, member) => sum + field(`/proc/${member}/smaps_rollup`, "Pss"), 0);
  return Math.round(kib / 1024);
}

/** Runnable tasks of the machine, averaged over a minute: above 2 on two cores, figures suffer. */
export function loadAverage(): number {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}

/** Processes that it started, and that live. */
export function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? [] : children.split(" ").map(Number);
}

function tree(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(tree)];
}

function field(file: string, name: string): number {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(file, "utf8"))?.[1];
  return Number(value);
}
