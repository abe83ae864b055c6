import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import { encodeOutgoing, type Outgoing } from "../../broker/core/outgoing.ts";
import type { Connection } from "../../broker/server/connection.ts";
import { Hub } from "../../broker/server/hub.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { encodeRow } from "../../broker/wire/encode-row.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import {
  clusterAt,
  endpointsAt,
  namespacesOf,
  percentiles,
  rowsAt,
  type Workload,
} from "./workload.ts";

const CHANGES = 300;

/** A member without network: counts and encodes what it is sent, as a transport would. */
class SimulatedMember {
  readonly connection: Connection;
  rows = 0;
  bytes = 0;
  isSynced = false;
  #sequence = 0;
  #stored = 0;
  onRow: () => void = () => undefined;

  constructor(hub: Hub, at: number) {
    const peer = { cluster: clusterAt(at), incarnation: 1, certificateSerial: "01" };
    this.connection = hub.connect(peer, {
      write: (outgoing) => this.#hear(outgoing),
      pauseInput: () => undefined,
      resumeInput: () => undefined,
      close: ({ text }) => {
        throw new Error(text);
      },
    });
  }

  say(message: NonNullable<MemberMessage["message"]>): void {
    this.connection.receive({ message });
  }

  put(row: Parameters<typeof encodeRow>[0]): void {
    this.#sequence += 1;
    this.say({ $case: "put", value: { sequence: this.#sequence, row: encodeRow(row) } });
  }

  get isStored(): boolean {
    return this.#stored === this.#sequence;
  }

  #hear(outgoing: Outgoing): boolean {
    this.bytes += encodeOutgoing(outgoing).length;
    if (outgoing.kind === "row") {
      this.rows += 1;
      this.onRow();
    } else if (outgoing.kind === "batch") {
      throw new Error("batch must be of a member that takes them: got one");
    } else if (outgoing.message.$case === "synced") {
      this.isSynced = true;
    } else if (outgoing.message.$case === "stored") {
      this.#stored = outgoing.message.value.sequence;
    }
    return true;
  }
}

/** The hub and its table alone: no sockets, no TLS, no disk. */
export async function measureHub(workload: Workload): Promise<Record<string, number>> {
  const store = new MemoryStore("bench");
  const deps = { store, clock: systemClock, log: silentLogger, meter: silentMeter };
  const hub = new Hub({ clusterset: "bench", heartbeatIntervalMs: 600_000 }, deps);
  hub.start();
  const members = Array.from({ length: workload.members }, (_, at) => new SimulatedMember(hub, at));
  await turn();
  const fillMs = await timed(() => fill(members, workload));
  const syncMs = await timed(() => subscribe(members, workload));
  const changes = await change(members, workload);
  const burst = await changeMany(members, workload);
  globalThis.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    rows: store.table.rowCount(),
    fillMs,
    syncMs,
    rowsSynced: members.reduce((sum, { rows }) => sum + rows, 0),
    ...changes,
    ...burst,
    residentMiB: Math.round(rss / 2 ** 20),
    heapMiB: Math.round((heapUsed + arrayBuffers) / 2 ** 20),
  };
}

async function fill(members: readonly SimulatedMember[], workload: Workload): Promise<void> {
  const hello = {
    protocolVersions: [1],
    storeEpoch: "",
    namespaces: [],
    known: [],
    cidrs: [],
    capabilities: [],
    ownDigest: new Uint8Array(),
  };
  for (const member of members) member.say({ $case: "hello", value: hello });
  await turn();
  for (let at = 0; at < workload.exports; at++) {
    const index = at % members.length;
    const member = members[index];
    for (const row of rowsAt(clusterAt(index), at, workload)) member?.put(row);
    if (index === members.length - 1) await turn();
  }
  for (const member of members) member.say({ $case: "ownComplete", value: { sequence: 0 } });
  await until(() => members.every(({ isStored }) => isStored));
}

async function subscribe(members: readonly SimulatedMember[], workload: Workload): Promise<void> {
  for (const [at, member] of members.entries()) {
    member.isSynced = false;
    const add = [...namespacesOf(at, workload)];
    member.say({ $case: "subscribe", value: { add, remove: [], generation: 1 } });
  }
  await until(() => members.every(({ isSynced }) => isSynced));
}

/** One change at a time in the namespace that all want: until the last of the others was sent it. */
async function change(
  members: readonly SimulatedMember[],
  workload: Workload,
): Promise<Record<string, number>> {
  const times: number[] = [];
  for (let revision = 1; revision <= CHANGES; revision++) {
    const startMs = performance.now();
    const reached = untilSent(members, members.length - 1);
    members[0]?.put(endpointsAt(clusterAt(0), 0, workload, revision));
    await reached;
    times.push(performance.now() - startMs);
    await turn();
  }
  return percentiles(times);
}

/** Resolves when so many rows have been sent. */
function untilSent(members: readonly SimulatedMember[], rows: number): Promise<void> {
  return new Promise((resolve) => {
    let missing = rows;
    for (const member of members) {
      member.onRow = () => {
        missing -= 1;
        if (missing === 0) resolve();
      };
    }
  });
}

/** Many changes at once: how many rows a second leave the hub. */
async function changeMany(
  members: readonly SimulatedMember[],
  workload: Workload,
): Promise<Record<string, number>> {
  let sent = 0;
  for (const member of members) member.onRow = () => (sent += 1);
  const startMs = performance.now();
  for (let at = 0; at < 200; at++) {
    const changed = (at * workload.namespaces) % workload.exports;
    const index = changed % members.length;
    members[index]?.put(endpointsAt(clusterAt(index), changed, workload, 1000 + at));
    if (at % 20 === 19) await turn();
  }
  await until(() => members.every(({ isStored }) => isStored));
  await turn();
  return { rowsPerSecond: Math.round((sent / (performance.now() - startMs)) * 1000) };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return Math.round(performance.now() - startMs);
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 1e6) throw new Error("does not come to rest");
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
