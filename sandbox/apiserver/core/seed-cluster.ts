import { invariant } from "../../../api/invariant.ts";
import { formatIpAddress } from "../../../api/network/ip-address.ts";
import { type IpRange } from "../kinds/service/ip-range.ts";
import type { JsonObject } from "../object/json.ts";
import { createObject } from "../registry/create-object.ts";
import type { RegistryState } from "../registry/registry-state.ts";

const NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** What every cluster has from its first moment. */
export function seedCluster(state: RegistryState, ranges: readonly IpRange[], nowMs: number): void {
  for (const name of NAMESPACES) {
    seed(state, { plural: "namespaces", nowMs }, { metadata: { name }, kind: "Namespace" });
  }
  const [first] = ranges;
  if (first === undefined) return;
  const service = kubernetesService(
    formatIpAddress({ family: first.family, value: first.base + 1n }),
    first.family,
  );
  seed(state, { plural: "services", namespace: "default", nowMs }, service);
}

function kubernetesService(clusterIP: string, family: string): JsonObject {
  return {
    kind: "Service",
    metadata: {
      name: "kubernetes",
      labels: { component: "apiserver", provider: "kubernetes" },
    },
    spec: {
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: [family],
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }],
      type: "ClusterIP",
    },
  };
}

function seed(
  state: RegistryState,
  where: { readonly plural: string; readonly namespace?: string; readonly nowMs: number },
  object: JsonObject,
): void {
  const { plural, namespace, nowMs } = where;
  const served = state.kinds.find("", "v1", plural);
  invariant(served !== undefined, "the server serves the kinds it seeds", { plural });
  const target = { ...served, ...(namespace === undefined ? {} : { namespace }) };
  const created = createObject(
    state,
    target,
    { apiVersion: "v1", ...object },
    {
      nowMs,
      dryRun: false,
      manager: "kube-apiserver",
      fieldValidation: "Strict",
      subresource: "",
      warn: () => undefined,
    },
  );
  invariant(created.ok, "the seed objects are valid", { created });
}
