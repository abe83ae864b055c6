import { type IpFamily, SERVICES, type Service } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";

const FAMILIES: readonly IpFamily[] = ["IPv4", "IPv6"];

/**
 * IP families of this cluster's Services (IMP-20). No API tells on every Kubernetes version, but the API server
 * accepts a Service of a family exactly when it can allocate from it: asked by dry run, nothing is kept.
 */
export async function localIpFamilies(
  kube: KubeClient,
  signal: AbortSignal,
): Promise<Result<readonly IpFamily[], KubeError>> {
  const supported: IpFamily[] = [];
  for (const family of FAMILIES) {
    const tried = await kube.create(SERVICES, probe(family), { signal, dryRun: true });
    if (tried.ok) supported.push(family);
    else if (tried.error.kind !== "invalid") return tried;
  }
  return ok(supported);
}

function probe(family: IpFamily): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      namespace: "default",
      name: `isthmus-probe-${family.toLowerCase()}`,
      labels: { [LABEL_MANAGED_BY]: MANAGED_BY },
    },
    spec: {
      type: "ClusterIP",
      ipFamilyPolicy: "SingleStack",
      ipFamilies: [family],
      ports: [{ port: 1 }],
    },
  };
}
