import type { Resource } from "../../../api/kube/object.ts";
import type { Result } from "../../../api/result.ts";
import { ok } from "../../../api/result.ts";
import type { CallOptions, KubeClient } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";

/** Which of these the API server does not serve in the version that they name: usually a CRD is not installed. */
export async function missingResources(
  resources: readonly Resource[],
  client: Pick<KubeClient, "servedVersions">,
  options: CallOptions,
): Promise<Result<readonly Resource[], KubeError>> {
  const missing: Resource[] = [];
  for (const resource of resources) {
    const served = await client.servedVersions(resource.group, resource.plural, options);
    if (!served.ok) return served;
    if (!served.value.includes(resource.version)) missing.push(resource);
  }
  return ok(missing);
}
