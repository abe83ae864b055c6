import { fileURLToPath } from "node:url";
import type { CustomResourceDefinition } from "../api/kube/custom-resource-definition.ts";
import type { Result } from "../api/result.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import { type CrdOutcome, ensureCrds } from "../runtime/kube/crds/ensure-crds.ts";
import { readCrdManifests } from "../runtime/kube/crds/read-crd-manifests.ts";
import type { KubeClient } from "../runtime/kube/kube-client.ts";

const MANIFESTS = fileURLToPath(new URL("../api/crds", import.meta.url));
const HUB_MANIFESTS = fileURLToPath(new URL("../api/crds/hub", import.meta.url));

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
