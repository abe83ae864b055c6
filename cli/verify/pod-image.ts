import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { DNS_NAME } from "../../install/dns-process.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

/** Small, public, and has Node. */
export const PUBLIC_IMAGE = "docker.io/library/node:24-alpine";

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
    };
  };
}

/** That of the DNS server of this cluster, which its nodes have already, so that nothing is pulled; else a public one. */
export async function podImage(
  client: Pick<KubeClient, "get">,
  systemNamespace: string,
  signal: AbortSignal,
): Promise<string> {
  const target = { resource: DEPLOYMENTS, namespace: systemNamespace, name: DNS_NAME };
  const found = await client.get<Deployment>(target, { signal });
  const containers = found.ok ? found.value.spec?.template?.spec?.containers : undefined;
  return containers?.[0]?.image ?? PUBLIC_IMAGE;
}
