import { z } from "zod";
import { ABOUT_GROUP, ABOUT_VERSIONS } from "../../api/mcs/cluster-property.ts";
import { MCS_GROUP, MCS_VERSIONS } from "../../api/mcs/service-export.ts";
import { ok, type Result } from "../../api/result.ts";
import { leaveClusterset } from "../../broker/client/grpc/leave-clusterset.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { leaveCluster, type Receipt } from "../../controllers/membership/leave-cluster.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { connectKube } from "../connect-kube.ts";
import { savedStateFile } from "../saved-state-file.ts";
import { defineVerb, type Output } from "../verb.ts";
import { DEFAULT_IDENTITY_DIR } from "./join.ts";

export const leaveVerb = defineVerb({
  summary: "take this cluster out of its clusterset and remove what Isthmus made in it",
  settings: z.object({
    ...kubeSettings,
    identityDir: z
      .string()
      .default(DEFAULT_IDENTITY_DIR)
      .describe('directory that "isthmus join" wrote; the identity in it is removed'),
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
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const identities = new FileIdentityStore(settings.identityDir, { clock: systemClock });
    if (!settings.localOnly) {
      const told = await tellBroker(identities, settings, out);
      if (!told) return 1;
    }
    const identity = await identities.load();
    const left = await cleanUp(kube.value.client, signal);
    if (!left.ok) {
      out.problem(`${left.error}: run "isthmus leave" again`);
      return 1;
    }
    const removed = await identities.remove();
    if (!removed.ok) {
      out.problem(removed.error);
      return 1;
    }
    if (identity.ok && identity.value !== undefined) {
      const forgotten = await savedStateFile(settings.identityDir, identity.value).remove();
      if (!forgotten.ok) out.problem(forgotten.error);
    }
    for (const line of receiptLines(left.value)) out.line(line);
    out.line("left: ServiceExports and custom resource definitions stay as they are");
    return 0;
  },
});

/** The others first: until they have dropped our rows, nothing here has changed, and the command may be tried again. */
async function tellBroker(
  identities: FileIdentityStore,
  settings: {
    readonly identityDir: string;
    readonly broker: readonly string[];
    readonly timeout: number;
  },
  out: Output,
): Promise<boolean> {
  const identity = await identities.load();
  if (!identity.ok || identity.value === undefined) {
    const problem = identity.ok ? `no identity in ${settings.identityDir}` : identity.error;
    out.problem(
      `${problem}; with --local-only this cluster is cleaned up without telling the broker`,
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
  out.line(
    told.value === "left"
      ? `${clusterId} left clusterset ${clusterset}: its exports are withdrawn from all others`
      : `${clusterId} was no member of ${clusterset} any more`,
  );
  return true;
}

async function cleanUp(kube: KubeClient, signal: AbortSignal): Promise<Result<Receipt, string>> {
  const mcs = await kube.servedVersions(MCS_GROUP, "serviceimports", { signal });
  const about = await kube.servedVersions(ABOUT_GROUP, "clusterproperties", { signal });
  if (!mcs.ok) return { ok: false, error: mcs.error.message };
  if (!about.ok) return { ok: false, error: about.error.message };
  const mcsVersion = MCS_VERSIONS.find((version) => mcs.value.includes(version)) ?? "v1beta1";
  const aboutVersion = ABOUT_VERSIONS.find((one) => about.value.includes(one)) ?? "v1beta1";
  const left = await leaveCluster(kube, { mcsVersion, aboutVersion, signal }, systemClock);
  return left.ok ? ok(left.value) : { ok: false, error: left.error.message };
}

function receiptLines(receipt: Receipt): readonly string[] {
  if (receipt.size === 0) return ["nothing of ours was found in the cluster"];
  return [...receipt].flatMap(([plural, names]) => [
    `removed ${names.length} ${plural}:`,
    ...names.map((name) => `  ${name}`),
  ]);
}
