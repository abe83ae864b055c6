import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import type { WiringEdit } from "../../install/cluster-dns/wiring-plan.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { type Deps, DNS_NAMESPACE, type ObservedDns } from "./observe-cluster-dns.ts";

/** `stale`: somebody else wrote meanwhile; what was decided is to be decided anew. */
export type Written = "written" | "stale" | KubeError;

/** Writes one key, and only over what was seen. `dropMap` removes the ConfigMap as a whole. */
export async function writeEdit(
  { configMap, key, after }: WiringEdit,
  { versions }: Pick<ObservedDns, "versions">,
  { dropMap, client, signal }: Deps & { readonly dropMap: boolean },
): Promise<Written> {
  const target = { resource: CONFIG_MAPS, namespace: DNS_NAMESPACE, name: configMap };
  const resourceVersion = versions[configMap];
  if (resourceVersion === undefined) {
    if (after === undefined) return "written";
    const object: ConfigMap = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { namespace: DNS_NAMESPACE, name: configMap },
      data: { [key]: after },
    };
    const created = await client.create(CONFIG_MAPS, object, { signal });
    return created.ok ? "written" : judge(created.error);
  }
  if (dropMap) {
    const removed = await client.delete(target, { resourceVersion }, { signal });
    return removed.ok ? "written" : judge(removed.error);
  }
  const patch = { metadata: { resourceVersion }, data: { [key]: after ?? null } };
  const patched = await client.mergePatch(target, patch, { signal });
  return patched.ok ? "written" : judge(patched.error);
}

function judge(error: KubeError): Written {
  const isStale = ["conflict", "already-exists", "not-found"].includes(error.kind);
  return isStale ? "stale" : error;
}
