import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../cli/cluster/install-crds.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import type { BrokerStart } from "../broker/process-messages.ts";
import { atRest, REST_MS } from "./at-rest.ts";
import { type ChangeCost, measureChanges } from "./changes.ts";
import { type DuringSync, measureDuringSync } from "./measure-during-sync.ts";
import { measureOwnExports, type OwnExports } from "./measure-own-exports.ts";
import { Owners } from "./owners.ts";
import {
  ask,
  countedBetween,
  type MemberStart,
  type MemberState,
  machineMs,
  type RequestCounts,
  type ServerState,
} from "./process-messages.ts";
import { exportersOf, namespaceAt, type Workload } from "./workload.ts";

export interface MeasureOptions {
  /** Of each kind of change. */
  readonly rounds: number;
  readonly idleSeconds: number;
  /** Services of the member's own cluster that are exported all at once in the end. */
  readonly exports: number;
  /** Folder for CPU profiles of the member and the API server. */
  readonly profile: string | undefined;
}

export interface Measured {
  /** From the start of the process until it says that it is ready: everything is known, not yet written. */
  readonly readyMs: number;
  /** From the start of the process until the last write, after which every import is as it should be. */
  readonly syncMs: number;
  /** An endpoint of a service that is there already changes while others are still being made. */
  readonly whileSyncing: DuringSync | undefined;
  readonly firstSync: RequestCounts;
  readonly afterSync: MemberState;
  readonly serverAfterSync: ServerState;
  readonly idle: RequestCounts;
  readonly restartMs: number;
  readonly restart: RequestCounts;
  readonly afterRestart: MemberState;
  readonly changes: Readonly<Record<string, ChangeCost>>;
  readonly linkBytesPerEndpointChange: number;
  readonly own: OwnExports;
  readonly afterChanges: MemberState;
}

const { signal } = new AbortController();

/** One member that imports the whole workload: broker, API server and controllers in a process each. */
export async function measureMember(
  workload: Workload,
  options: MeasureOptions,
): Promise<Measured> {
  const dataDir = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  const place = { kind: "file" } as const;
  const hub: BrokerStart = { place, members: workload.clusters + 1, dataDir, port: 0 };
  const broker = fork(new URL("../broker/server.ts", import.meta.url), [JSON.stringify(hub)]);
  const apiServer = fork(new URL("./api-server.ts", import.meta.url), {
    execArgv: profiling(options),
  });
  const [[{ identities }], [{ kubeconfig }]] = await Promise.all([
    once(broker, "message"),
    once(apiServer, "message"),
  ]);
  const all: readonly MemberIdentity[] = identities;
  const owners = new Owners(all.slice(0, workload.clusters), workload);
  const identity = all[workload.clusters];
  if (identity === undefined) throw new Error("the broker has given too few identities");
  await Promise.all([owners.fill(), prepareCluster(kubeconfig, workload)]);
  const run = { start: { identity, kubeconfig }, apiServer, owners, workload, options };
  try {
    return await measure(run);
  } finally {
    owners.stop();
    for (const child of [broker, apiServer]) {
      child.disconnect();
      await once(child, "exit");
    }
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export interface Run {
  readonly start: MemberStart;
  readonly apiServer: ChildProcess;
  readonly owners: Owners;
  readonly workload: Workload;
  readonly options: MeasureOptions;
}

async function measure(run: Run): Promise<Measured> {
  const { apiServer, options } = run;
  const atStart = await ask<ServerState>(apiServer, "state");
  const first = await startMember(run);
  const whileSyncing = await measureDuringSync(run);
  const serverAfterSync = await atRest(apiServer, ({ readyImports, slices }) => {
    const { services, exporters } = run.workload;
    return readyImports === services && slices === services * exporters;
  });
  const syncMs = serverAfterSync.lastWriteMs - first.startMs;
  const afterSync = await ask<MemberState>(first.process, "state");
  const idle = await idleFor(options.idleSeconds * 1_000, apiServer);
  await stopMember(first.process);

  const beforeRestart = await ask<ServerState>(apiServer, "state");
  const second = await startMember(run);
  await sleep(clock, REST_MS, signal);
  const restart = countedBetween(
    beforeRestart.counts,
    (await ask<ServerState>(apiServer, "state")).counts,
  );
  const afterRestart = await ask<MemberState>(second.process, "state");
  const changes = await changeThings(run, second.process);
  const own = await measureOwnExports(run);
  const afterChanges = await ask<MemberState>(second.process, "state");
  await stopMember(second.process);
  return {
    readyMs: first.readyMs,
    syncMs,
    whileSyncing,
    firstSync: countedBetween(atStart.counts, serverAfterSync.counts),
    afterSync,
    serverAfterSync,
    idle,
    restartMs: second.readyMs,
    restart,
    afterRestart,
    ...changes,
    own,
    afterChanges,
  };
}

export async function prepareCluster(kubeconfig: string, { namespaces }: Workload): Promise<void> {
  const kube = connectKube({ kubeconfig }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  const installed = await installCrds(client, clock, signal);
  if (!installed.ok) throw new Error(installed.error);
  for (let at = 0; at < namespaces; at++) {
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespaceAt(at) },
    };
    const made = await client.create(NAMESPACES, namespace, { signal });
    if (!made.ok) throw new Error(made.error.message);
  }
}

async function startMember({ start, options }: Run): Promise<{
  readonly process: ChildProcess;
  readonly startMs: number;
  readonly readyMs: number;
}> {
  const startMs = machineMs();
  const member = fork(new URL("./member.ts", import.meta.url), {
    execArgv: ["--expose-gc", ...profiling(options)],
  });
  await once(member, "message");
  member.send(start);
  await once(member, "message");
  return { process: member, startMs, readyMs: machineMs() - startMs };
}

async function stopMember(member: ChildProcess): Promise<void> {
  const ended = once(member, "exit");
  member.send("stop");
  await ended;
}

async function idleFor(ms: number, apiServer: ChildProcess): Promise<RequestCounts> {
  const before = await ask<ServerState>(apiServer, "state");
  await sleep(clock, ms, signal);
  const after = await ask<ServerState>(apiServer, "state");
  return countedBetween(before.counts, after.counts);
}

async function changeThings(
  { apiServer, owners, workload, options }: Run,
  member: ChildProcess,
): Promise<Pick<Measured, "changes" | "linkBytesPerEndpointChange">> {
  const { rounds } = options;
  const serviceAt = (round: number): number => (round * 7) % workload.services;
  const ownerOf = (service: number): number => exportersOf(service, workload)[0] ?? 0;
  /** A cluster that does not export the service. */
  const newcomerTo = (service: number): number => service + workload.exporters;
  apiServer.send("all");
  const changes: Record<string, ChangeCost> = {};
  const linkBytes = async (): Promise<number> =>
    (await ask<MemberState>(member, "state")).linkBytes;
  const linkBefore = await linkBytes();
  changes["endpoint becomes not ready"] = await measureChanges(apiServer, rounds, (round) => {
    const service = serviceAt(round);
    owners.export(service, ownerOf(service), { isFirstDown: true });
  });
  const perChange = ((await linkBytes()) - linkBefore) / rounds;
  changes["endpoint added"] = await measureChanges(apiServer, rounds, (round) => {
    const service = serviceAt(round);
    owners.export(service, ownerOf(service), { isFirstDown: true, moreEndpoints: 1 });
  });
  changes["one more cluster exports"] = await measureChanges(apiServer, rounds, (round) => {
    const service = serviceAt(round);
    owners.export(service, newcomerTo(service));
  });
  changes["that cluster withdraws"] = await measureChanges(apiServer, rounds, (round) => {
    const service = serviceAt(round);
    owners.withdraw(service, newcomerTo(service));
  });
  changes["new service exported"] = await measureChanges(apiServer, rounds, (round) => {
    owners.export(workload.services + round, round);
  });
  changes["that service withdrawn"] = await measureChanges(apiServer, rounds, (round) => {
    owners.withdraw(workload.services + round, round);
  });
  apiServer.send("none");
  return { changes, linkBytesPerEndpointChange: Math.round(perChange) };
}

function profiling({ profile }: MeasureOptions): string[] {
  return profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
}
