import type { KubeObject } from "../../../api/kube/object.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { contentsOf } from "../../system/server-contents.ts";

/** What nodes and controllers of a cluster write all the time: that such an object is there is all there is to say. */
const LIVELY = /^(Lease|Node|EndpointSlice) /;
/** Those come and go. */
const PASSING = /^(Pod|ReplicaSet) /;

/** Every object of a cluster that somebody wants to be there, as he wants it, but for definitions, which stay (VER-07). */
export async function settledContents(
  kube: KubeClient,
): Promise<ReadonlyMap<string, KubeObject | undefined>> {
  const all = [...(await contentsOf(kube))].filter(([name]) => !PASSING.test(name));
  return new Map(all.map(([name, object]) => [name, LIVELY.test(name) ? undefined : object]));
}
