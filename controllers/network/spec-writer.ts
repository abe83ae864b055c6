import { isDeepStrictEqual } from "node:util";
import { apiVersionOf, type KubeObject, type Resource } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { JobOutcome } from "../../runtime/kube/queue/work-queue.ts";

/** Writes objects of the cluster whose spec is ours alone. */
export class SpecWriter {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /**
   * Replaces the whole spec, when it is another: a list that became shorter must not keep its end.
   *
   * @param known as it is now; undefined: there is none
   * @returns what became of a write that failed; undefined: it is as it should be, or this process ends
   */
  async write(
    { resource, name, spec }: { resource: Resource; name: string; spec: object },
    known: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<JobOutcome | undefined> {
    const present: unknown = known === undefined ? undefined : Reflect.get(known, "spec");
    if (isDeepStrictEqual(present, plain(spec))) return undefined;
    const object = {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
      spec,
    };
    const applied = await this.#client.apply(resource, object, { signal });
    return applied.ok ? undefined : outcomeOf(applied.error);
  }
}

/** Undefined: this process ends. */
export function outcomeOf(error: KubeError): JobOutcome | undefined {
  if (error.kind === "aborted") return undefined;
  return { kind: "failed", error, isOrdinary: error.kind === "conflict" };
}

/** As it is read back: nothing that is undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
