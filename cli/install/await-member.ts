import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import type { Steps } from "../output/receipt.ts";
import { controllersLine } from "../status/member-report.ts";
import { readControllersLease } from "../status/read-member.ts";
import { memberProblems, type Workload } from "./member-readiness.ts";

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly out: Steps;
}

const LOOK_MS = 500;
const WORKLOADS: readonly string[] = ["Deployment", "DaemonSet"];

/** Waits until the processes that were installed are ready, and the controllers connected to the broker. Error: what is missing when the time is up. */
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
  let told: string | undefined;
  for (;;) {
    const problems = await look();
    if (!problems.ok) return problems;
    const [first] = problems.value;
    if (first === undefined) return ok(undefined);
    if (signal.aborted || clock.monotonicMs() >= untilMs) {
      return err(`not ready within ${timeoutMs / 1000} s: ${problems.value.join("; ")}`);
    }
    if (told === undefined) out.line(`waiting until the member is ready: ${first}`);
    told = first;
    await sleep(clock, LOOK_MS, signal);
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
