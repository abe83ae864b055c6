import { MCS_GROUP, MCS_VERSIONS, type McsVersion } from "../../api/mcs/service-export.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";

const RETRY = { firstMs: 250, maxMs: 10_000 };
const KINDS = ["serviceimports", "serviceexports"] as const;

/**
 * The best version of the MCS API that the cluster serves (VER-04). Waits, saying what is missing, until there is
 * one: a CRD may be installed later, an API server may come back.
 * @returns undefined when the signal aborts first.
 */
export async function discoverMcsVersion(
  deps: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
  },
  signal: AbortSignal,
  onWaiting: (reason: string) => void = () => undefined,
): Promise<McsVersion | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const found = await ask(deps.client, signal);
    if (found.kind === "found") return found.version;
    if (signal.aborted) break;
    onWaiting(found.reason);
    deps.log.warn("waiting for the multi-cluster services api", { reason: found.reason, attempt });
    await sleep(deps.clock, backoffMs(RETRY, attempt, deps.random), signal);
  }
  return undefined;
}

async function ask(
  client: KubeClient,
  signal: AbortSignal,
): Promise<
  | { readonly kind: "found"; readonly version: McsVersion }
  | { readonly kind: "missing"; readonly reason: string }
> {
  const served = new Map<string, readonly string[]>();
  for (const plural of KINDS) {
    const versions = await client.servedVersions(MCS_GROUP, plural, { signal });
    if (!versions.ok) return { kind: "missing", reason: versions.error.message };
    if (versions.value.length === 0) {
      return {
        kind: "missing",
        reason: `custom resource definition ${plural}.${MCS_GROUP} is not installed: run "isthmus crds --apply"`,
      };
    }
    served.set(plural, versions.value);
  }
  const common = MCS_VERSIONS.find((version) =>
    KINDS.every((plural) => served.get(plural)?.includes(version)),
  );
  return common === undefined
    ? {
        kind: "missing",
        reason: `none of ${MCS_VERSIONS.join(", ")} is served for both kinds: got ${JSON.stringify([...served])}`,
      }
    : { kind: "found", version: common };
}
