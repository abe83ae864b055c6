import { NAMESPACES, type Namespace } from "../../api/kube/namespace.ts";
import { apiVersionOf } from "../../api/kube/object.ts";
import { ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";

/** Where Isthmus keeps what belongs to no service: Leases. */
export const SYSTEM_NAMESPACE = "isthmus-system";

/** @returns "created", or "unchanged" when it is there already. */
export async function ensureSystemNamespace(
  client: Pick<KubeClient, "create">,
  signal: AbortSignal,
): Promise<Result<"created" | "unchanged", KubeError>> {
  const created = await client.create<Namespace>(
    NAMESPACES,
    {
      apiVersion: apiVersionOf(NAMESPACES),
      kind: NAMESPACES.kind,
      metadata: { name: SYSTEM_NAMESPACE },
    },
    { signal },
  );
  if (created.ok) return ok("created");
  return created.error.kind === "already-exists" ? ok("unchanged") : created;
}
