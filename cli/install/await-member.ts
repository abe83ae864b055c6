import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import type { Steps } from "../output/receipt.ts";
import { controllersLine, pathLines, peerReport } from "../status/member-report.ts";
import { readControllersLease, readPeerLeases, readPeers } from "../status/read-member.ts";
import { PATHS_WAIT_MS, pathProblems } from "../status/report-problems.ts";
import { memberProblems, type Workload } from "./member-readiness.ts";

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly out: Steps;
}

const LOOK_MS = 500;
const WORKLOADS: readonly string[] = ["Deployment", "DaemonSet"];

/**
 * Waits until the processes that were installed are ready, and the controllers connected to the broker; then, for a little while, until
 * other clusters that are there are reached. Error: what is missing of the member itself when the time is up.
 */
export async function awaitMember(
  {
    namespace,
    objects,
    withControllers,
  }: {
    readonly namespace: string;
    readonly objects: readonly KubeObject[];
    readonly withControllers: boolean;
  },
  timeoutMs: number,
  { client, clock, signal, out }: Deps,
): Promise<Result<undefined, string>> {
  const reader = new ClusterReader(client, signal);
  const workloads = objects.filter(({ kind }) => WORKLOADS.includes(kind));
  const untilMs = clock.monotonicMs() + timeoutMs;
  let isTold = false;
  let readyMs: number | undefined;
  for (;;) {
    const problems = await look();
    if (!problems.ok) return problems;
    const nowMs = clock.monotonicMs();
    if (problems.value.length === 0) readyMs ??= nowMs;
    const missing = readyMs === undefined ? problems.value : await paths();
    const [first] = missing;
    if (first === undefined) return ok(undefined);
    const isLast =
      signal.aborted || nowMs >= (readyMs === undefined ? untilMs : readyMs + PATHS_WAIT_MS);
    if (isLast && readyMs !== undefined) {
      out.line(`not waited for any longer: ${missing.join("; ")}`);
      return ok(undefined);
    }
    if (isLast) return err(`not ready within ${timeoutMs / 1000} s: ${missing.join("; ")}`);
    if (!isTold) out.line(`waiting until the member is ready: ${first}`);
    isTold = true;
    await sleep(clock, LOOK_MS, signal);
  }

  /** None where they may not be read. */
  async function paths(): Promise<readonly string[]> {
    const leases = await readPeerLeases(reader, namespace);
    const peers = await readPeers(reader);
    if (!leases.ok || !peers.ok) return [];
    return pathProblems({
      peers: leases.value.map((lease) => peerReport(lease, clock.nowMs())),
      paths: peers.value.flatMap(pathLines),
    });
  }

  async function look(): Promise<Result<readonly string[], string>> {
    const seen: Workload[] = [];
    for (const object of workloads) {
      const { name } = object.metadata;
      const found = await reader.find<Workload>(resourceOf(object), name, namespace);
      if (!found.ok)
        return err(`cannot see ${object.kind} ${namespace}/${name}: ${found.error.message}`);
      seen.push(found.value ?? object);
    }
    if (!withControllers) return ok(memberProblems(seen, undefined));
    const lease = await readControllersLease(reader, namespace);
    if (!lease.ok) return err(`cannot see what the controllers say: ${lease.error.message}`);
    return ok(memberProblems(seen, controllersLine(lease.value, clock.nowMs())));
  }
}
