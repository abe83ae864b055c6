import { fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Figures, measureGrpc } from "./measure-grpc.ts";
import { measureHub } from "./measure-hub.ts";
import type { Workload } from "./workload.ts";

// Measures the broker as the clusterset grows: `npm run bench:broker` prints two tables, over gRPC and of the hub alone.

const { values } = parseArgs({
  options: {
    members: { type: "string", default: "10,100,500" },
    exports: { type: "string", default: "50000" },
    over: { type: "string", default: "grpc,hub" },
    /** Of the members, for comparison: none takes batches. */
    "no-batches": { type: "boolean", default: false },
    /** Of a process that measures the hub for this one. */
    workload: { type: "string" },
  },
});

const LINES: readonly (readonly [string, string])[] = [
  ["rows", "rows"],
  ["owners fill an empty broker, s", "fillS"],
  ["first sync of all at once, s", "firstSyncS"],
  ["... of a member, p50 s", "firstSyncMemberP50S"],
  ["... of a member, p99 s", "firstSyncMemberP99S"],
  ["... CPU of the broker, s", "firstSyncCpuS"],
  ["... sent, MiB", "firstSyncMiB"],
  ["members that one change reaches", "fanOutMembers"],
  ["one change to all of them, p50 ms", "fanOutP50Ms"],
  ["... p99 ms", "fanOutP99Ms"],
  ["bytes per endpoint change and member", "bytesPerChange"],
  ["a member comes back, bytes both ways: nothing missed", "resync0Bytes"],
  ["... 10 changes missed", "resync10Bytes"],
  ["... 100 changes missed", "resync100Bytes"],
  ["broker killed and started: all synced again after, s", "stormS"],
  ["... CPU of the broker, s", "stormCpuS"],
  ["... both ways, MiB", "stormMiB"],
  ["store deleted: refilled, all synced after, s", "refillS"],
  ["... services that vanished at members meanwhile", "vanished"],
  ["broker resident, MiB", "residentMiB"],
  ["... peak of first sync, MiB", "peakMiB"],
  ["members' processes resident, MiB", "membersMiB"],
];

const HUB_LINES: readonly (readonly [string, string])[] = [
  ["rows", "rows"],
  ["fill, ms", "fillMs"],
  ["first sync of all, ms", "syncMs"],
  ["rows sent in it", "rowsSynced"],
  ["one change to all, p50 ms", "p50Ms"],
  ["... p99 ms", "p99Ms"],
  ["fan-out of a burst, rows/s", "rowsPerSecond"],
  ["heap, MiB", "heapMiB"],
  ["resident, MiB", "residentMiB"],
];

function workloadOf(members: number): Workload {
  const shape = { endpointsPerExport: 9, namespaces: 500, namespacesPerMember: 5 };
  return { members, exports: Number(values.exports), ...shape };
}

async function measureHubApart(workload: Workload): Promise<Figures> {
  const child = fork(import.meta.filename, ["--workload", JSON.stringify(workload)], {
    execArgv: ["--expose-gc"],
  });
  const exited = once(child, "exit");
  const [measured] = await Promise.race([once(child, "message"), exited]);
  if (typeof measured !== "object") throw new Error(`measurement ended with code ${measured}`);
  await exited;
  return measured;
}

/** A column per size, and by what each figure grew from the size before. */
function print(
  title: string,
  lines: readonly (readonly [string, string])[],
  sizes: readonly number[],
  runs: readonly Figures[],
): void {
  const grown = sizes.slice(1).map((size, at) => `${sizes[at]} to ${size}`);
  const head = [title, ...sizes.map((size) => `${size} members`), ...grown];
  const rows = lines.map(([name, key]) => {
    const figures = runs.map((run) => run[key] ?? "");
    const factors = figures.slice(1).map((figure, at) => factorOf(figures[at], figure));
    return [name, ...figures, ...factors];
  });
  const all = [head, head.map(() => "---"), ...rows];
  process.stdout.write(`${all.map((cells) => `| ${cells.join(" | ")} |\n`).join("")}\n`);
}

function factorOf(before: unknown, after: unknown): string {
  const factor = Number(after) / Number(before);
  return Number.isFinite(factor) && after !== "" ? `x${factor.toFixed(factor < 10 ? 1 : 0)}` : "";
}

function load(): string {
  return loadavg()
    .map((each) => each.toFixed(1))
    .join(" ");
}

async function measureAll(): Promise<void> {
  const sizes = values.members.split(",").map(Number);
  for (const over of values.over.split(",")) {
    const runs: Figures[] = [];
    for (const size of sizes) {
      const workload = workloadOf(size);
      const run =
        over === "hub" ? measureHubApart(workload) : measureGrpc(workload, !values["no-batches"]);
      runs.push(await run);
      process.stderr.write(
        `${over}, ${size} members: ${JSON.stringify(runs.at(-1))} load ${load()}\n`,
      );
    }
    print(
      over === "hub" ? "hub alone, no batches" : "over gRPC",
      over === "hub" ? HUB_LINES : LINES,
      sizes,
      runs,
    );
  }
}

if (values.workload === undefined) {
  await measureAll();
} else {
  const measured = await measureHub(JSON.parse(values.workload));
  process.send?.(measured, () => process.exit(0));
}
