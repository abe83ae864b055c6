import { fork } from "node:child_process";
import { once } from "node:events";
import type { Row } from "../../api/broker/row.ts";
import { serviceKey } from "../../api/service-key.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import type { MemberLink } from "../../broker/client/member-link.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { endpointsAt, namespacesOf, percentiles, rowsAt, type Workload } from "./workload.ts";

const CHANGES = 100;
const PATIENCE_MS = 300_000;

/** A broker in a process of its own and the real members' links in this one: TLS, gRPC, log on disk. */
export async function measureGrpc(workload: Workload): Promise<Record<string, unknown>> {
  const server = fork(new URL("./server.ts", import.meta.url), [String(workload.members)], {
    execArgv: ["--expose-gc"],
  });
  const [ready] = await once(server, "message");
  const identities: readonly MemberIdentity[] = ready.identities;
  const stop = new AbortController();
  const links = identities.map((identity) => {
    const link = createGrpcBrokerLink({ identity: () => identity }, { clock, random, log });
    link.start(stop.signal);
    return link;
  });
  const fillMs = await timed(() => fill(links, identities, workload));
  const changes = await change(links, identities, workload);
  server.send("measure");
  const [{ memory, cpu }] = await once(server, "message");
  stop.abort();
  server.disconnect();
  await once(server, "exit");
  const rows = workload.exports * 2;
  return {
    rows,
    fillAndSyncMs: fillMs,
    ...changes,
    brokerCpuMs: Math.round((cpu.user + cpu.system) / 1000),
    residentMiB: Math.round(memory / 2 ** 20),
  };
}

/** All members connect, send what they own and get what they want. */
async function fill(
  links: readonly MemberLink[],
  identities: readonly MemberIdentity[],
  workload: Workload,
): Promise<void> {
  for (const [index, link] of links.entries()) {
    const identity = identities[index];
    if (identity === undefined) continue;
    for (let at = index; at < workload.exports; at += links.length) {
      setRows(link, rowsAt(identity.clusterId, at, workload));
    }
    link.markOwnComplete();
    link.setNamespaces(new Set(namespacesOf(index, workload)));
  }
  const expected = (index: number): number => {
    const wanted = new Set(namespacesOf(index, workload));
    let count = 0;
    for (let at = 0; at < workload.exports; at++) {
      if (at % links.length !== index && wanted.has(`ns-${at % workload.namespaces}`)) count += 1;
    }
    return count;
  };
  for (const [index, link] of links.entries()) {
    const count = expected(index);
    await until(() => [...link.foreignServices()].length === count);
  }
}

/** One change at a time: until the last of the other members has it in its mirror. */
async function change(
  links: readonly MemberLink[],
  identities: readonly MemberIdentity[],
  workload: Workload,
): Promise<Record<string, unknown>> {
  const [owner, ...others] = links;
  const [identity] = identities;
  if (owner === undefined || identity === undefined) throw new Error("members must be at least 1");
  const key = serviceKey("ns-0", "svc-0");
  let missing = 0;
  let done: () => void = () => undefined;
  for (const link of others) {
    link.subscribe((event) => {
      if (event.kind !== "service-changed" || event.service !== key) return;
      missing -= 1;
      if (missing === 0) done();
    });
  }
  const [exported] = rowsAt(identity.clusterId, 0, workload);
  if (exported === undefined) throw new Error("an export has rows");
  const times: number[] = [];
  for (let revision = 1; revision <= CHANGES; revision++) {
    missing = others.length;
    const reached = new Promise<void>((resolve) => (done = resolve));
    const startMs = clock.monotonicMs();
    setRows(owner, [exported, endpointsAt(identity.clusterId, 0, workload, revision)]);
    await reached;
    times.push(clock.monotonicMs() - startMs);
  }
  return percentiles(times);
}

function setRows(link: MemberLink, rows: readonly Row[]): void {
  const [first] = rows;
  if (first !== undefined) link.setOwnRows(serviceKey(first.namespace, first.name), rows);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = clock.monotonicMs();
  await work();
  return Math.round(clock.monotonicMs() - startMs);
}

async function until(condition: () => boolean): Promise<void> {
  const startMs = clock.monotonicMs();
  while (!condition()) {
    if (clock.monotonicMs() - startMs > PATIENCE_MS) throw new Error("does not come to rest");
    await new Promise<void>((resolve) => void clock.setTimer(20, resolve));
  }
}
