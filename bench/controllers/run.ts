import { parseArgs } from "node:util";
import { type Measured, type MeasureOptions, measureMember } from "./measure-member.ts";
import { measureMerge } from "./measure-merge.ts";
import { writesIn } from "./process-messages.ts";

// Measures one member's controllers as the clusterset grows: `node bench/controllers/run.ts`. Needs nothing else.

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "1000,3000,10000" },
    clusters: { type: "string", default: "50" },
    exporters: { type: "string", default: "2" },
    endpoints: { type: "string", default: "10" },
    rounds: { type: "string", default: "100" },
    idle: { type: "string", default: "15" },
    exports: { type: "string", default: "1000" },
    profile: { type: "string" },
  },
});

const clusters = Number(values.clusters);
const options: MeasureOptions = {
  rounds: Number(values.rounds),
  idleSeconds: Number(values.idle),
  exports: Number(values.exports),
  profile: values.profile,
};
const sizes = values.services.split(",").map(Number);
const runs: Measured[] = [];
for (const services of sizes) {
  const workload = {
    clusters,
    services,
    exporters: Number(values.exporters),
    endpointsPerService: Number(values.endpoints),
    namespaces: Math.min(100, services),
  };
  runs.push(await measureMember(workload, options));
}

const table: [string, (run: Measured, at: number) => unknown][] = [
  ["endpoints", (_, at) => (sizes[at] ?? 0) * Number(values.endpoints)],
  ["ready after, s", (run) => seconds(run.readyMs)],
  ["first sync, s", (run) => seconds(run.syncMs)],
  ["writes of first sync", (run) => writesIn(run.firstSync)],
  ["writes a second", (run) => Math.round(writesIn(run.firstSync) / (run.syncMs / 1_000))],
  [
    "endpoint change during first sync: p50 / p99 ms",
    ({ whileSyncing: one }) =>
      one === undefined
        ? "too fast to tell"
        : `${one.p50Ms} / ${one.p99Ms} (${one.changes} changes)`,
  ],
  ["writes refused (4xx)", (run) => refusedIn(run.firstSync)],
  ["CPU of controllers, s", (run) => run.afterSync.cpuSeconds.toFixed(1)],
  ["CPU of API server, s", (run) => run.serverAfterSync.cpuSeconds.toFixed(1)],
  ["heap of controllers, MiB", (run) => run.afterSync.heapMiB],
  ["resident / peak, MiB", (run) => `${run.afterSync.residentMiB} / ${run.afterSync.peakMiB}`],
  ["writes while idle", (run) => writesIn(run.idle)],
  ["ready after restart, s", (run) => seconds(run.restartMs)],
  ["writes after restart", (run) => writesIn(run.restart)],
  ["CPU of restart, s", (run) => run.afterRestart.cpuSeconds.toFixed(1)],
  [
    "heap / resident after restart, MiB",
    ({ afterRestart: { heapMiB, residentMiB } }) => `${heapMiB} / ${residentMiB}`,
  ],
  ...changeRows(),
  ["link bytes, one endpoint change", (run) => run.linkBytesPerEndpointChange],
  [
    `${values.exports} own exports at once: s, writes each`,
    ({ own }) => `${seconds(own.ms)}, ${own.writesPerExport}`,
  ],
  ["heap after all changes, MiB", (run) => run.afterChanges.heapMiB],
];

print([
  ["services", ...sizes],
  ["---", ...sizes.map(() => "---:")],
  ...table.map(([name, value]) => [name, ...runs.map(value)]),
]);
for (const [at, run] of runs.entries()) {
  process.stdout.write(`\nrequests, ${sizes[at]} services\n`);
  const phases = {
    "first sync": run.firstSync,
    idle: run.idle,
    restart: run.restart,
    "own exports": run.own.requests,
  };
  for (const [phase, counts] of Object.entries(phases)) {
    process.stdout.write(`- ${phase}: ${listed(counts)}\n`);
  }
  for (const [name, { writes }] of Object.entries(run.changes)) {
    process.stdout.write(`- ${name}, ${options.rounds} times: ${listed(writes)}\n`);
  }
}
const merge = measureMerge(clusters);
process.stdout.write(
  `\none service from ${clusters} clusters: merge ${merge.mergeUs} µs, slices ${merge.slicesUs} µs (medians)\n`,
);
process.exit();

function changeRows(): [string, (run: Measured) => unknown][] {
  return Object.keys(runs[0]?.changes ?? {}).map((name) => [
    `${name}: p50 / p99 ms, writes, bytes`,
    ({ changes }) => {
      const cost = changes[name];
      if (cost === undefined) return "";
      const { p50Ms, p99Ms, writesPerChange, bytesPerChange } = cost;
      return `${p50Ms} / ${p99Ms}, ${writesPerChange}, ${bytesPerChange}`;
    },
  ]);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

function refusedIn(counts: Readonly<Record<string, number>>): number {
  const refused = Object.entries(counts).filter(([key]) =>
    /^(create|update|patch|delete) .* 4\d\d$/.test(key),
  );
  return refused.reduce((sum, [, count]) => sum + count, 0);
}

function listed(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, count]) => `${count} ${key}`).join(", ") || "none";
}

function print(lines: readonly (readonly unknown[])[]): void {
  process.stdout.write(lines.map((cells) => `| ${cells.join(" | ")} |\n`).join(""));
}
