import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { ok, type Result } from "../../api/result.ts";
import type { KubeClient, ListQuery } from "./kube-client.ts";
import type { KubeError } from "./kube-error.ts";

const PAGE = 500;

/** Every object of one kind, page by page. For commands that look once; whoever looks all the time reflects. */
export async function listAll<T extends KubeObject>(
  kube: Pick<KubeClient, "list">,
  resource: Resource,
  query: Omit<ListQuery, "limit" | "continueToken">,
  signal: AbortSignal,
): Promise<Result<readonly T[], KubeError>> {
  // BOUNDED: by the objects of the kind.
  const items: T[] = [];
  let continueToken: string | undefined;
  do {
    const page = await kube.list<T>(
      resource,
      { ...query, limit: PAGE, ...(continueToken === undefined ? {} : { continueToken }) },
      { signal },
    );
    if (!page.ok) return page;
    items.push(...page.value.items);
    ({ continueToken } = page.value);
  } while (continueToken !== undefined);
  return ok(items);
}
