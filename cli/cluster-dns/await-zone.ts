import { PODS } from "../../api/kube/pod.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { CLUSTERSET_ZONE } from "../../install/cluster-dns/corefile-stanza.ts";
import { type DnsConfigMap, readsAgain } from "../../install/cluster-dns/wiring-plan.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Steps } from "../output/receipt.ts";
import { type AskDeps, ZoneAsker } from "./ask-zone.ts";
import { DNS_NAMESPACE, observeClusterDns } from "./observe-cluster-dns.ts";
import { readBackup } from "./wiring-backup.ts";

type Deps = AskDeps & { readonly out: Steps };

const LOOK_MS = 1_000;
/** So many looks in a row that show nothing: it is not to be seen from here. */
const BLIND_LOOKS = 3;
/** A node that hears of the change after the first nudge has another one to hear. */
const NUDGE_LOOKS = 20;
const TIDY_MS = 2_000;
/** BOUNDED: of a large cluster's caches, some are left to read it in their own time. */
const NUDGED_MAX = 100;
/** Named so that whoever sees it knows whose it is; it is there for a second. */
const ANNOTATION_NUDGE = "isthmus.dev/reads-its-configuration";

/** Whose texts of the cluster's DNS are changed, by the backup; empty: nobody's. */
export async function wiredMaps(
  namespace: string,
  deps: Pick<AskDeps, "client" | "signal">,
): Promise<Result<readonly DnsConfigMap[], string>> {
  const record = await readBackup(namespace, deps);
  if (!record.ok) return record;
  return ok([...new Set((record.value?.keys ?? []).map(({ configMap }) => configMap))]);
}

/**
 * Waits until every pod of the cluster's DNS answers for the zone. Nodes bring pods a changed ConfigMap within a minute or more,
 * and CoreDNS looks at its own every half a minute: until then names are not found. Where nobody may look, it says so and ends.
 * Error: what does not answer when the time is up.
 */
export async function awaitZone(
  namespace: string,
  timeoutMs: number,
  deps: Deps,
): Promise<Result<undefined, string>> {
  const { clock, signal, out } = deps;
  const wired = await wiredMaps(namespace, deps);
  if (!wired.ok) return wired;
  if (wired.value.length === 0) return ok(undefined);
  const observed = await observeClusterDns(deps);
  if (!observed.ok) return observed;
  const asker = new ZoneAsker(wired.value, deps);
  const untilMs = clock.monotonicMs() + timeoutMs;
  let blind = 0;
  for (let looks = 1; ; looks += 1) {
    const { answers, late, caches } = await asker.look();
    if (answers.state === "answered") {
      out.step(
        { what: `zone ${CLUSTERSET_ZONE}`, did: "answered", detail: "by the cluster's DNS" },
        `the cluster's DNS answers ${CLUSTERSET_ZONE}`,
      );
      if (caches > 0) out.line(`not asked: NodeLocal DNSCache of ${caches} nodes; ${IN_TIME}`);
      return ok(undefined);
    }
    blind = answers.state === "not tested" ? blind + 1 : 0;
    if (signal.aborted) return err(`stopped before the cluster's DNS answered ${CLUSTERSET_ZONE}`);
    const isLast = clock.monotonicMs() >= untilMs;
    if (blind === BLIND_LOOKS || (blind > 0 && isLast)) {
      out.line(
        `not tested whether the cluster's DNS answers ${CLUSTERSET_ZONE}: ${answers.why}; ${IN_TIME}`,
      );
      return ok(undefined);
    }
    if (!readsAgain(observed.value)) {
      out.line(`not waited for, since CoreDNS does not reload by itself: ${answers.why}`);
      return ok(undefined);
    }
    if (isLast) {
      return err(
        `the cluster's DNS does not answer ${CLUSTERSET_ZONE} within ${timeoutMs / 1000} s: ${answers.why}`,
      );
    }
    if (looks === 1 && blind === 0) {
      out.line(`waiting until the cluster's DNS answers ${CLUSTERSET_ZONE}: ${answers.why}`);
    }
    const isNudged = looks % NUDGE_LOOKS === 1;
    if (isNudged) await nudge(late, "now", deps, signal);
    await sleep(clock, LOOK_MS, signal);
    if (!isNudged) continue;
    // Also of one who was told to stop meanwhile.
    using limit = deadline(clock, TIDY_MS);
    await nudge(late, null, deps, limit.signal);
  }
}

const IN_TIME = "nodes bring it its changed ConfigMap within a minute or two";

/**
 * A node brings a pod its ConfigMaps at once when the pod's annotations change (kubernetes.io, "Mounted ConfigMaps are updated
 * automatically"). Whoever may not write there waits for longer, and that is all: no failure is told.
 */
async function nudge(
  pods: readonly string[],
  value: string | null,
  { client }: Pick<Deps, "client">,
  signal: AbortSignal,
): Promise<void> {
  const patch = { metadata: { annotations: { [ANNOTATION_NUDGE]: value } } };
  await Promise.all(
    pods.slice(0, NUDGED_MAX).map((name) => {
      const target = { resource: PODS, namespace: DNS_NAMESPACE, name };
      return client.mergePatch(target, patch, { signal });
    }),
  );
}
