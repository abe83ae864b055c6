import { z } from "zod";
import { ABOUT_GROUP, ABOUT_VERSIONS } from "../../api/mcs/cluster-property.ts";
import { MCS_GROUP, MCS_VERSIONS } from "../../api/mcs/service-export.ts";
import type { Result } from "../../api/result.ts";
import { leaveClusterset } from "../../broker/client/grpc/leave-clusterset.ts";
import { leaveCluster, type Receipt } from "../../controllers/membership/leave-cluster.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting } from "../../runtime/config/common-settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import type { Steps } from "../output/receipt.ts";
import type { IdentityPlace } from "./identity-place.ts";
import { loadIdentity } from "./member-identity.ts";

/** How the hub is told. */
export const leavingSettings = {
  broker: z
    .array(z.string())
    .default([])
    .describe("further broker addresses, host:port, tried after the one this member joined at"),
  localOnly: z
    .boolean()
    .default(false)
    .describe(
      "do not tell the broker: for a hub that is gone; elsewhere the cluster's exports then stay",
    ),
  timeout: durationSetting("60s", "how long to try to reach the broker"),
} as const;

/** The others first: until they have dropped our rows, nothing here has changed, and the command may be tried again. */
export async function tellBroker(
  place: IdentityPlace,
  settings: {
    readonly broker: readonly string[];
    readonly timeout: number;
  },
  out: Steps,
): Promise<boolean> {
  const identity = await loadIdentity(place);
  if (!identity.ok) {
    out.problem(
      `${identity.error}; with --local-only this cluster is cleaned up without telling the broker`,
    );
    return false;
  }
  const { clusterId, clusterset } = identity.value;
  const told = await leaveClusterset(
    identity.value,
    { otherAddresses: settings.broker, timeoutMs: settings.timeout },
    { clock: systemClock, random: systemRandom },
  );
  if (!told.ok) {
    out.problem(`${told.error}; nothing was changed`);
    return false;
  }
  const hasLeft = told.value === "left";
  out.step(
    { what: `${clusterId} in clusterset ${clusterset}`, did: hasLeft ? "left" : "was no member" },
    hasLeft
      ? `${clusterId} left clusterset ${clusterset}: its exports are withdrawn from all others`
      : `${clusterId} was no member of ${clusterset} any more`,
  );
  return true;
}

/** Forgets the identity, and removes from the cluster what its controllers made. */
export async function cleanUp(
  kube: KubeClient,
  { store }: IdentityPlace,
  signal: AbortSignal,
): Promise<Result<Receipt, string>> {
  const mcs = await kube.servedVersions(MCS_GROUP, "serviceimports", { signal });
  const about = await kube.servedVersions(ABOUT_GROUP, "clusterproperties", { signal });
  if (!mcs.ok) return { ok: false, error: mcs.error.message };
  if (!about.ok) return { ok: false, error: about.error.message };
  const mcsVersion = MCS_VERSIONS.find((version) => mcs.value.includes(version)) ?? "v1beta1";
  const aboutVersion = ABOUT_VERSIONS.find((one) => about.value.includes(one)) ?? "v1beta1";
  const forgetIdentity = () => store.remove();
  return leaveCluster(kube, { mcsVersion, aboutVersion, forgetIdentity, signal }, systemClock);
}

/** Each object, kind by kind. */
export function tellRemoved(receipt: Receipt, out: Steps): void {
  if (receipt.size === 0) out.line("nothing of ours was found in the cluster");
  for (const [plural, names] of receipt) {
    names.forEach((name, index) => {
      const head = index === 0 ? `removed ${names.length} ${plural}:\n` : "";
      out.step({ what: `${plural} ${name}`, did: "removed" }, `${head}  ${name}`);
    });
  }
  out.line(
    "left: ServiceExports that people wrote and custom resource definitions stay as they are",
  );
}
