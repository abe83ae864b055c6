import { NODES } from "../../api/kube/node.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

/** Told to whoever would wait for pods. */
export const NO_NODES = "not waited for: this cluster has no nodes yet, so no pod runs";

/** Whether pods can run in this cluster. Who may not see nodes is told yes, and waits as long as for any other reason. */
export async function hasNodes(
  client: Pick<KubeClient, "list">,
  signal: AbortSignal,
): Promise<boolean> {
  const nodes = await client.list(NODES, { limit: 1 }, { signal });
  return !nodes.ok || nodes.value.items.length > 0;
}
