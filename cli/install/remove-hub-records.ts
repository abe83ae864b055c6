import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import {
  recordObjects,
  SPACE_LABEL,
  secretObjects,
} from "../../broker/store/space/kubernetes/space-object.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { listAll } from "../../runtime/kube/list-all.ts";

/** Rows, members, tokens and the authority's key of a hub that is taken down. @returns how many objects */
export async function removeHubRecords(
  namespace: string,
  { client, signal }: { readonly client: KubeClient; readonly signal: AbortSignal },
): Promise<Result<number, string>> {
  let count = 0;
  for (const { resource } of [recordObjects, secretObjects]) {
    const query = { namespace, labelSelector: SPACE_LABEL };
    const listed = await listAll<KubeObject>(client, resource, query, signal);
    if (!listed.ok) {
      if (listed.error.kind === "not-found") continue;
      return err(listed.error.message);
    }
    for (const { metadata } of listed.value) {
      const target = { resource, namespace, name: metadata.name };
      const removed = await client.delete(target, {}, { signal });
      if (removed.ok) count += 1;
      else if (removed.error.kind !== "not-found") return err(removed.error.message);
    }
  }
  return ok(count);
}
