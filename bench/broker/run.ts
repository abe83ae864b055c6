import { fork } from "node:child_process";
import { once } from "node:events";
import { measureGrpc } from "./measure-grpc.ts";
import { measureHub } from "./measure-hub.ts";
import type { Workload } from "./workload.ts";

// Measures the broker: `node bench/broker/run.ts` prints one table. Each line is measured in a process of its own.

interface Scenario extends Workload {
  readonly over: "hub" | "grpc";
}

const SHAPE = { endpointsPerExport: 9, namespaces: 500, namespacesPerMember: 5 };

const SCENARIOS: readonly Scenario[] = [
  { over: "hub", members: 50, exports: 50_000, ...SHAPE },
  { over: "hub", members: 500, exports: 50_000, ...SHAPE },
  { over: "grpc", members: 50, exports: 5000, ...SHAPE, namespaces: 50 },
  { over: "grpc", members: 200, exports: 5000, ...SHAPE, namespaces: 50 },
];

const COLUMNS = [
  "over",
  "members",
  "rows",
  "fillMs",
  "syncMs",
  "fillAndSyncMs",
  "rowsSynced",
  "p50Ms",
  "p99Ms",
  "rowsPerSecond",
  "brokerCpuMs",
  "heapMiB",
  "residentMiB",
];

async function measureAll(): Promise<void> {
  const lines = [COLUMNS, COLUMNS.map(() => "---")];
  for (const [at, scenario] of SCENARIOS.entries()) {
    const child = fork(import.meta.filename, [String(at)], { execArgv: ["--expose-gc"] });
    const exited = once(child, "exit");
    const [measured] = await Promise.race([once(child, "message"), exited]);
    if (typeof measured !== "object") throw new Error(`measurement ended with code ${measured}`);
    const values: Record<string, unknown> = { ...scenario, ...measured };
    lines.push(COLUMNS.map((column) => cell(values[column])));
    await exited;
  }
  process.stdout.write(lines.map((cells) => `| ${cells.join(" | ")} |\n`).join(""));
}

function cell(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? `${value}` : "";
}

const scenario = SCENARIOS[Number(process.argv[2])];
if (scenario === undefined) {
  await measureAll();
} else {
  const measured = await (scenario.over === "hub" ? measureHub(scenario) : measureGrpc(scenario));
  process.send?.(measured, () => process.exit(0));
}
