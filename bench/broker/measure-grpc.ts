import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Change, Clusterset } from "./clusterset.ts";
import { percentiles, type Workload } from "./workload.ts";

const CHANGES = 300;
/** Of the slowest so many it is said what they waited for. */
const SLOWEST = 5;
/** Changes that a member misses while it is cut off. */
const MISSED = [0, 10, 100];

export type Figures = Readonly<Record<string, number | string>>;

/** The broker in a process of its own and real members' links in others: TLS, gRPC, log on disk. */
export async function measureGrpc(
  workload: Workload,
  takesBatches: boolean,
  parts: ReadonlySet<string>,
): Promise<Figures> {
  const dataDir = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  const clusterset = new Clusterset(workload, dataDir);
  try {
    await clusterset.begin(takesBatches);
    return await measure(clusterset, workload, parts);
  } finally {
    clusterset.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(
  clusterset: Clusterset,
  workload: Workload,
  parts: ReadonlySet<string>,
): Promise<Figures> {
  const fill = await clusterset.cost(() => clusterset.all({ kind: "restart", isWanting: false }));
  const cold = await clusterset.cost(() => clusterset.all({ kind: "restart", isWanting: true }));
  const syncs = percentiles(cold.result.flatMap(({ syncMs }) => syncMs));
  const fanOut = parts.has("changes") ? await change(clusterset) : {};
  const resync = parts.has("comebacks") ? await resyncs(clusterset, workload) : {};
  await clusterset.all({ kind: "watch" });
  const storm = parts.has("restart") ? await restart(clusterset) : {};
  const refill = parts.has("refill") ? await refillStore(clusterset) : {};
  const { rows, residentMiB } = await clusterset.usage();
  return {
    rows,
    fillS: seconds(fill.ms),
    firstSyncS: seconds(cold.ms),
    firstSyncMemberP50S: seconds(syncs.p50Ms),
    firstSyncMemberP99S: seconds(syncs.p99Ms),
    firstSyncCpuS: seconds(cold.cpuMs),
    firstSyncMiB: (cold.sentBytes / 2 ** 20).toFixed(1),
    ...fanOut,
    ...resync,
    ...storm,
    ...refill,
    residentMiB: Math.max(cold.residentMiB, residentMiB),
    peakMiB: cold.peakMiB,
    membersMiB: cold.result.reduce((sum, answer) => sum + answer.residentMiB, 0),
  };
}

/** The broker is killed and started on the same store: everybody comes back at once. */
async function restart(clusterset: Clusterset): Promise<Figures> {
  const storm = await clusterset.cost(async () => {
    await clusterset.kill();
    await clusterset.startBroker();
    return clusterset.all({ kind: "settle" });
  });
  return {
    stormS: seconds(storm.ms),
    stormCpuS: seconds(storm.cpuMs),
    stormMiB: ((storm.sentBytes + storm.receivedBytes) / 2 ** 20).toFixed(1),
  };
}

/** The store is deleted under running members, who fill it again. */
async function refillStore(clusterset: Clusterset): Promise<Figures> {
  const refill = await clusterset.cost(async () => {
    await clusterset.kill();
    clusterset.deleteStore();
    await clusterset.startBroker();
    return clusterset.all({ kind: "settle" });
  });
  const vanished = refill.result.reduce((sum, answer) => sum + answer.vanished, 0);
  if (vanished > 0) throw new Error(`nothing must be withdrawn: ${vanished} services vanished`);
  return { refillS: seconds(refill.ms), vanished };
}

/** One change at a time, to all other members. */
async function change(clusterset: Clusterset): Promise<Figures> {
  const changes: Change[] = [];
  const before = await clusterset.usage();
  await clusterset.change(0, 0);
  for (let revision = 1; revision <= CHANGES; revision++) {
    changes.push(await clusterset.change(0, revision));
  }
  const { sentBytes } = await clusterset.usage();
  const members = changes.at(-1)?.reached ?? 0;
  const whole = percentiles(changes.map(({ ms }) => ms));
  const broker = percentiles(changes.map(({ brokerMs }) => brokerMs));
  const durable = percentiles(changes.map(({ durableMs }) => durableMs));
  const slowest = changes.toSorted((left, right) => right.ms - left.ms).slice(0, SLOWEST);
  return {
    fanOutMembers: members,
    fanOutP50Ms: whole.p50Ms,
    fanOutP99Ms: whole.p99Ms,
    brokerP50Ms: broker.p50Ms,
    brokerP99Ms: broker.p99Ms,
    durableP50Ms: durable.p50Ms,
    durableP99Ms: durable.p99Ms,
    slowest: slowest.map(inWords).join("; "),
    bytesPerChange: Math.round((sentBytes - before.sentBytes) / CHANGES / members),
  };
}

/** All of it, of that the broker's part, and garbage of broker and members. */
function inWords({ ms, brokerMs, brokerGcMs, membersGcMs }: Change): string {
  return [ms, brokerMs, brokerGcMs, membersGcMs].map((each) => Math.round(each)).join("/");
}

/** A member is cut off, misses changes and comes back: what travels then, both ways. */
async function resyncs(clusterset: Clusterset, workload: Workload): Promise<Figures> {
  const member = 1;
  const figures: Record<string, number> = {};
  let revision = 1000;
  for (const missed of MISSED) {
    await clusterset.all({ kind: "cut", member });
    for (let at = 0; at < missed; at++) {
      revision += 1;
      // Exports of the namespace that all members want, none of them the member's own.
      const changed = (at * workload.namespaces) % workload.exports;
      await clusterset.all({ kind: "change", at: changed, revision });
    }
    await clusterset.rest();
    const before = await clusterset.usage();
    await clusterset.all({ kind: "heal", member });
    const after = await clusterset.usage();
    figures[`resync${missed}Bytes`] =
      after.sentBytes + after.receivedBytes - before.sentBytes - before.receivedBytes;
  }
  return figures;
}

export function seconds(ms: number): number {
  return Number((ms / 1000).toFixed(ms < 10_000 ? 2 : 1));
}
