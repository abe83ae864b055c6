import { fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Figures, measureGrpc } from "./measure-grpc.ts";
import { measureHub } from "./measure-hub.ts";
import { measureReplicas } from "./measure-replicas.ts";
import type { Workload } from "./workload.ts";

// Measures the broker as the clusterset grows: `npm run bench:broker` prints two tables, over gRPC and of the hub alone.

const { values } = parseArgs({
  options: {
    members: { type: "string", default: "10,100,500" },
    exports: { type: "string", default: "50000" },
    /** grpc, hub, etcd, kubernetes: the latter two with two replicas. */
    over: { type: "string", default: "grpc,hub" },
    /** Of the measurement over gRPC; first syncs are always part of it. */
    parts: { type: "string", default: "changes,comebacks,restart,refill" },
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
  ["... of that the broker's, p50 ms", "brokerP50Ms"],
  ["... ... p99 ms", "brokerP99Ms"],
  ["... ... until it is durable, p50 ms", "durableP50Ms"],
  ["... ... ... p99 ms", "durableP99Ms"],
  ["... the slowest: all/broker/its garbage/members' garbage, ms", "slowest"],
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

const REPLICAS_LINES: readonly (readonly [string, string])[] = [
  ["rows", "rows"],
  ["owners fill an empty store, s", "fillS"],
  ["first sync of all at once, s", "firstSyncS"],
  ["a replica dies: all synced at the other after, s", "stormS"],
  ["... of a member, p50 s", "stormMemberP50S"],
  ["... of a member, p99 s", "stormMemberP99S"],
  ["... CPU of the other replica, s", "stormCpuS"],
  ["... both ways, MiB", "stormMiB"],
  ["... services that vanished at members meanwhile", "vanished"],
  ["the other replica resident, MiB", "residentMiB"],
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

const TABLES: Readonly<Record<string, readonly [string, readonly (readonly [string, string])[]]>> =
  {
    grpc: ["over gRPC", LINES],
    hub: ["hub alone, no batches", HUB_LINES],
    etcd: ["two replicas over etcd", REPLICAS_LINES],
    kubernetes: ["two replicas over the embedded API server", REPLICAS_LINES],
  };

function measureOver(over: string, workload: Workload): Promise<Figures> {
  switch (over) {
    case "grpc":
      return measureGrpc(workload, !values["no-batches"], new Set(values.parts.split(",")));
    case "hub":
      return measureHubApart(workload);
    case "etcd":
    case "kubernetes":
      return measureReplicas(workload, over);
    default:
      throw new Error(`--over must be of grpc, hub, etcd, kubernetes: got ${over}`);
  }
}

async function measureAll(): Promise<void> {
  const sizes = values.members.split(",").map(Number);
  for (const over of values.over.split(",")) {
    const runs: Figures[] = [];
    for (const size of sizes) {
      runs.push(await measureOver(over, workloadOf(size)));
      process.stderr.write(
        `${over}, ${size} members: ${JSON.stringify(runs.at(-1))} load ${load()}\n`,
      );
    }
    const [title, lines] = TABLES[over] ?? [];
    if (title !== undefined && lines !== undefined) print(title, lines, sizes, runs);
  }
}

if (values.workload === undefined) {
  await measureAll();
} else {
  const measured = await measureHub(JSON.parse(values.workload));
  process.send?.(measured, () => process.exit(0));
}
