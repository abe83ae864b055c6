import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Clusterset } from "./clusterset.ts";
import { percentiles, type Workload } from "./workload.ts";

const CHANGES = 100;
/** Changes that a member misses while it is cut off. */
const MISSED = [0, 10, 100];

export type Figures = Readonly<Record<string, number | string>>;

/** The broker in a process of its own and real members' links in others: TLS, gRPC, log on disk. */
export async function measureGrpc(workload: Workload, takesBatches: boolean): Promise<Figures> {
  const dataDir = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  const clusterset = new Clusterset(workload, dataDir);
  try {
    await clusterset.begin(takesBatches);
    return await measure(clusterset, workload);
  } finally {
    clusterset.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(clusterset: Clusterset, workload: Workload): Promise<Figures> {
  const fill = await clusterset.cost(() => clusterset.all({ kind: "restart", isWanting: false }));
  const cold = await clusterset.cost(() => clusterset.all({ kind: "restart", isWanting: true }));
  const syncs = percentiles(cold.result.flatMap(({ syncMs }) => syncMs));
  const fanOut = await change(clusterset);
  const resync = await resyncs(clusterset, workload);
  await clusterset.all({ kind: "watch" });
  const storm = await clusterset.cost(async () => {
    await clusterset.kill();
    await clusterset.startBroker();
    return clusterset.all({ kind: "settle" });
  });
  const refill = await clusterset.cost(async () => {
    await clusterset.kill();
    clusterset.deleteStore();
    await clusterset.startBroker();
    return clusterset.all({ kind: "settle" });
  });
  const { rows, residentMiB } = await clusterset.usage();
  const vanished = refill.result.reduce((sum, answer) => sum + answer.vanished, 0);
  if (vanished > 0) throw new Error(`nothing must be withdrawn: ${vanished} services vanished`);
  return {
    rows,
    fillS: seconds(fill.ms),
    firstSyncS: seconds(cold.ms),
    firstSyncMemberP50S: seconds(syncs.p50Ms),
    firstSyncMemberP99S: seconds(syncs.p99Ms),
    firstSyncCpuS: seconds(cold.cpuMs),
    firstSyncMiB: (cold.sentBytes / 2 ** 20).toFixed(1),
    fanOutP50Ms: fanOut.p50Ms,
    fanOutP99Ms: fanOut.p99Ms,
    fanOutMembers: fanOut.members,
    bytesPerChange: fanOut.bytes,
    ...resync,
    stormS: seconds(storm.ms),
    stormCpuS: seconds(storm.cpuMs),
    stormMiB: ((storm.sentBytes + storm.receivedBytes) / 2 ** 20).toFixed(1),
    refillS: seconds(refill.ms),
    vanished,
    residentMiB: Math.max(cold.residentMiB, residentMiB),
    peakMiB: cold.peakMiB,
    membersMiB: cold.result.reduce((sum, answer) => sum + answer.residentMiB, 0),
  };
}

/** One change at a time: from the owner's `setOwnRows` until the last of the other members has it in its mirror. */
async function change(clusterset: Clusterset): Promise<{
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly members: number;
  readonly bytes: number;
}> {
  const times: number[] = [];
  let members = 0;
  const before = await clusterset.usage();
  for (let revision = 1; revision <= CHANGES; revision++) {
    const { ms, reached } = await clusterset.change(0, revision);
    times.push(ms);
    members = reached;
  }
  const { sentBytes } = await clusterset.usage();
  const bytes = Math.round((sentBytes - before.sentBytes) / CHANGES / members);
  return { ...percentiles(times), members, bytes };
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

function seconds(ms: number): number {
  return Number((ms / 1000).toFixed(ms < 10_000 ? 2 : 1));
}
