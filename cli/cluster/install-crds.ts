import { fileURLToPath } from "node:url";
import type { CustomResourceDefinition } from "../../api/kube/custom-resource-definition.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { type CrdOutcome, ensureCrds } from "../../runtime/kube/crds/ensure-crds.ts";
import { migrateStoredObjects } from "../../runtime/kube/crds/migrate-stored-objects.ts";
import { readCrdManifests } from "../../runtime/kube/crds/read-crd-manifests.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

const MANIFESTS = fileURLToPath(new URL("../../api/crds", import.meta.url));
const HUB_MANIFESTS = fileURLToPath(new URL("../../api/crds/hub", import.meta.url));

/** The custom resource definitions that Isthmus needs in every member. */
export function shippedCrds(): readonly CustomResourceDefinition[] {
  return readCrdManifests(MANIFESTS);
}

/** Those that the hub needs for a broker that keeps its rows in the API server. */
export function hubCrds(): readonly CustomResourceDefinition[] {
  return readCrdManifests(HUB_MANIFESTS);
}

export function installCrds(
  client: KubeClient,
  clock: Clock,
  signal: AbortSignal,
  crds = shippedCrds(),
): Promise<Result<readonly CrdOutcome[], string>> {
  return ensureCrds(crds, { client, clock }, signal);
}

/** VER-06, for each definition: how many objects were written anew; nothing of those that need it not. */
export async function migrateCrds(
  client: KubeClient,
  clock: Clock,
  signal: AbortSignal,
  crds = shippedCrds(),
): Promise<Result<ReadonlyMap<string, number>, string>> {
  const rewritten = new Map<string, number>();
  for (const { metadata } of crds) {
    const count = await migrateStoredObjects(metadata.name, { client, clock }, signal);
    if (!count.ok) {
      return err(
        `cannot rewrite objects of ${metadata.name}: ${count.error.message}; run it again`,
      );
    }
    if (count.value !== undefined) rewritten.set(metadata.name, count.value);
  }
  return ok(rewritten);
}
