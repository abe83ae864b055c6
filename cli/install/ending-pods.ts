import { PODS, type PodPlace } from "../../api/kube/pod.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Steps } from "../output/receipt.ts";
import type { InstalledRef } from "./install-record.ts";

const LOOK_MS = 200;

/**
 * Waits until no pod of Deployments that were removed runs any more: until then its process writes. One whose node is gone never
 * ends, so that those that are left after `timeoutMs` are told, and are no error.
 */
export async function waitForPodsToEnd(
  deployments: readonly InstalledRef[],
  { namespace, timeoutMs }: { readonly namespace: string; readonly timeoutMs: number },
  {
    client,
    signal,
    out,
  }: { readonly client: KubeClient; readonly signal: AbortSignal; readonly out: Steps },
): Promise<Result<undefined, string>> {
  if (deployments.length === 0) return ok(undefined);
  const names = deployments.map(({ name }) => name).join(", ");
  const query = { namespace, labelSelector: `app.kubernetes.io/name in (${names})` };
  const untilMs = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    const listed = await client.list<PodPlace>(PODS, query, { signal });
    if (!listed.ok)
      return err(`cannot see whether pods of ${names} have ended: ${listed.error.message}`);
    const running = listed.value.items.filter(({ status }) => !hasEnded(status?.phase));
    if (running.length === 0) return ok(undefined);
    if (signal.aborted || systemClock.monotonicMs() >= untilMs) {
      const left = running.map(({ metadata }) => metadata.name).join(", ");
      out.line(
        `not waited for any longer: pods that have not ended: ${left}; what they still write stays`,
      );
      return ok(undefined);
    }
    await sleep(systemClock, LOOK_MS, signal);
  }
}

function hasEnded(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}
