import type { IpFamily } from "../../api/kube/service.ts";
import { ABOUT_GROUP, ABOUT_VERSIONS, type AboutVersion } from "../../api/mcs/cluster-property.ts";
import type { McsVersion } from "../../api/mcs/service-export.ts";
import { claimMembership, type Membership } from "../../controllers/membership/claim-membership.ts";
import { localIpFamilies } from "../../controllers/membership/local-ip-families.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import { discoverMcsVersion } from "../cluster/discover-mcs-version.ts";

export interface PreparedMember {
  readonly mcsVersion: McsVersion;
  readonly aboutVersion: AboutVersion;
  readonly localFamilies: readonly IpFamily[];
}

export type Preparation =
  | { readonly kind: "prepared"; readonly member: PreparedMember }
  /** The cluster is leaving: trying again cannot help. */
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "stopped" };

const RETRY = { firstMs: 250, maxMs: 10_000 };

/**
 * What controllers need to know of their cluster before they start: which API versions it serves, which IP families
 * its Services have, and that it is who its identity says. Retries whatever may pass, and says through `onWaiting`
 * what it is waiting for.
 */
export async function prepareMember(
  membership: Membership,
  deps: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
  },
  options: { readonly signal: AbortSignal; readonly onWaiting: (reason: string) => void },
): Promise<Preparation> {
  const { signal, onWaiting } = options;
  // The first answer may take its time, and then what is waited for is that.
  onWaiting("waiting for the API server to say which APIs it serves");
  const mcsVersion = await discoverMcsVersion(deps, signal, onWaiting);
  if (mcsVersion === undefined) return { kind: "stopped" };
  for (let attempt = 0; !signal.aborted; attempt++) {
    const tried = await attemptOnce(membership, deps.client, signal);
    if (tried.kind === "prepared") {
      const { aboutVersion, localFamilies } = tried;
      return { kind: "prepared", member: { mcsVersion, aboutVersion, localFamilies } };
    }
    if (tried.kind === "refused") return tried;
    if (signal.aborted) break;
    onWaiting(tried.reason);
    deps.log.warn("waiting for the cluster", { reason: tried.reason, attempt });
    await sleep(deps.clock, backoffMs(RETRY, attempt, deps.random), signal);
  }
  return { kind: "stopped" };
}

type Attempt =
  | ({ readonly kind: "prepared" } & Omit<PreparedMember, "mcsVersion">)
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "waiting"; readonly reason: string };

async function attemptOnce(
  membership: Membership,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Attempt> {
  const served = await client.servedVersions(ABOUT_GROUP, "clusterproperties", { signal });
  if (!served.ok) return { kind: "waiting", reason: served.error.message };
  const version = ABOUT_VERSIONS.find((v) => served.value.includes(v));
  if (version === undefined) {
    return {
      kind: "waiting",
      reason: `custom resource definition clusterproperties.${ABOUT_GROUP} is not installed: run "isthmus crds --apply"`,
    };
  }
  const claimed = await claimMembership(client, membership, { version, signal });
  if (!claimed.ok) {
    switch (claimed.error.kind) {
      case "kube":
        return { kind: "waiting", reason: claimed.error.error.message };
      case "contradiction":
        return { kind: "waiting", reason: claimed.error.message };
      case "leaving":
        return { kind: "refused", message: claimed.error.message };
    }
  }
  const families = await localIpFamilies(client, signal);
  return families.ok
    ? { kind: "prepared", aboutVersion: version, localFamilies: families.value }
    : { kind: "waiting", reason: families.error.message };
}
