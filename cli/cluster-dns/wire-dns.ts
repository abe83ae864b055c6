import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { CLUSTERSET_ZONE } from "../../install/cluster-dns/corefile-stanza.ts";
import { planWiring, type WiringPlan } from "../../install/cluster-dns/wiring-plan.ts";
import { planRestore, recordOf } from "../../install/cluster-dns/wiring-record.ts";
import { manifestsText } from "../output/manifests-text.ts";
import type { Steps } from "../output/receipt.ts";
import type { OutputForm } from "../output/render.ts";
import type { Output } from "../verb.ts";
import {
  addressOfDns,
  DNS_NAMESPACE,
  type Deps as KubeDeps,
  type ObservedDns,
  observeClusterDns,
} from "./observe-cluster-dns.ts";
import { readBackup, removeBackup, writeBackup } from "./wiring-backup.ts";
import { writeEdit } from "./write-edit.ts";

interface Deps extends KubeDeps {
  readonly out: Steps;
}

/** How often what was decided over is decided anew, because somebody else wrote meanwhile. */
const ATTEMPTS = 5;

const STALE = err(
  `others changed the ConfigMaps of ${DNS_NAMESPACE} ${ATTEMPTS} times while they were written: run it again`,
);

/** Prints the ConfigMaps as they would be; the rest goes to standard error. */
export async function printWiring(
  namespace: string,
  form: OutputForm,
  deps: KubeDeps & { readonly out: Output },
): Promise<Result<undefined, string>> {
  const decided = await decide(namespace, deps);
  if (!decided.ok) return decided;
  const { plan, observed, address } = decided.value;
  for (const line of aboutPlan(plan, address)) deps.out.problem(line);
  const objects = plan.edits.map(({ configMap, key, after }): KubeObject & { data: object } => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace: DNS_NAMESPACE, name: configMap },
    data: { ...observed.maps[configMap], [key]: after },
  }));
  if (objects.length === 0) return ok(undefined);
  deps.out.line(manifestsText(objects, form));
  return ok(undefined);
}

/** Has cluster DNS send the zone to our server. May be repeated. Error: what stands in the way; then nothing was changed. */
export async function applyWiring(
  namespace: string,
  deps: Deps,
): Promise<Result<undefined, string>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const decided = await decide(namespace, deps);
    if (!decided.ok) return decided;
    const { plan, observed, address, addresses, earlier } = decided.value;
    if (plan.edits.length > 0) {
      const record = recordOf(plan.edits, addresses, observed.maps, earlier);
      // Before the change: what cannot be undone is not done.
      const kept = await writeBackup(namespace, record, deps);
      if (!kept.ok) return kept;
    }
    let isStale = false;
    for (const edit of plan.edits) {
      const written = await writeEdit(edit, observed, { ...deps, dropMap: false });
      if (written === "written") {
        deps.out.step({ what: keyOf(edit), did: "changed" });
      } else if (written === "stale") isStale = true;
      else return err(`cannot write ConfigMap ${edit.configMap}: ${written.message}`);
    }
    if (isStale) continue;
    for (const line of aboutPlan(plan, address)) deps.out.line(line);
    return ok(undefined);
  }
  return STALE;
}

/** Takes out what is ours and nothing else; says how. */
export async function restoreWiring(
  namespace: string,
  deps: Deps,
): Promise<Result<undefined, string>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const record = await readBackup(namespace, deps);
    if (!record.ok) return record;
    if (record.value === undefined) return ok(undefined);
    const observed = await observeClusterDns(deps);
    if (!observed.ok) return observed;
    let isStale = false;
    for (const restored of planRestore(record.value, observed.value.maps)) {
      const { configMap, before, after, dropMap, how } = restored;
      if (before !== after) {
        const written = await writeEdit(restored, observed.value, { ...deps, dropMap });
        if (written === "stale") {
          isStale = true;
          break;
        }
        if (written !== "written") {
          return err(`cannot write ConfigMap ${configMap}: ${written.message}`);
        }
      }
      deps.out.step(
        { what: keyOf(restored), did: "restored", detail: how },
        `${keyOf(restored)}: ${how}`,
      );
    }
    if (!isStale) return removeBackup(namespace, deps);
  }
  return STALE;
}

async function decide(
  namespace: string,
  deps: KubeDeps,
): Promise<
  Result<
    {
      readonly plan: WiringPlan;
      readonly observed: ObservedDns;
      readonly address: string;
      readonly addresses: readonly [string, ...string[]];
      readonly earlier: Parameters<typeof recordOf>[3];
    },
    string
  >
> {
  const address = await addressOfDns(namespace, deps);
  if (!address.ok) return address;
  const backup = await readBackup(namespace, deps);
  if (!backup.ok) return backup;
  const earlier = backup.value;
  const observed = await observeClusterDns(deps);
  if (!observed.ok) return observed;
  const before = earlier === undefined ? [] : [earlier.address];
  const addresses = [address.value, ...before] as const;
  const plan = planWiring(observed.value, addresses);
  if (!plan.ok) return err(`${CLUSTERSET_ZONE} is not sent to Isthmus: ${plan.error}`);
  return ok({
    plan: plan.value,
    observed: observed.value,
    address: address.value,
    addresses,
    earlier,
  });
}

function keyOf({ configMap, key }: { readonly configMap: string; readonly key: string }): string {
  return `ConfigMap ${DNS_NAMESPACE}/${configMap}, key ${key}`;
}

function aboutPlan({ found, notes }: WiringPlan, address: string): readonly string[] {
  if (found.length === 0) {
    return [
      `no CoreDNS and no kube-dns was found in ${DNS_NAMESPACE}: have the cluster's DNS send ${CLUSTERSET_ZONE} to ${address}`,
    ];
  }
  return [`${found.join(" and ")}: ${CLUSTERSET_ZONE} goes to ${address}`, ...notes];
}
