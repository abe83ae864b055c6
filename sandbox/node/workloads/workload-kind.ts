import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { PodTemplate } from "../kinds/deployment.ts";
import type { Pod } from "../kinds/pod.ts";

export interface Workload extends KubeObject {
  readonly spec: { readonly template: PodTemplate };
  readonly status?: object;
}

/** What to do next. */
export interface WorkloadStep {
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
}

/** How pods are made of one kind of workload. Pure: pods that are going are among `pods`, and `hash` is that of the present template. */
export interface WorkloadKind<W extends Workload> {
  readonly resource: Resource;
  readonly step: (workload: W, pods: readonly Pod[], hash: string, random: Random) => WorkloadStep;
  /** `undefined` when what the workload says of itself is true already (I9); `now` is RFC 3339. */
  readonly status: (
    workload: W,
    pods: readonly Pod[],
    hash: string,
    now: string,
  ) => object | undefined;
}

/** A pod of the workload's present template, which goes with it. */
export function podOf(
  { resource }: Pick<WorkloadKind<Workload>, "resource">,
  workload: Workload,
  own: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): Pod {
  const { template } = workload.spec;
  const { name, namespace, uid = "" } = workload.metadata;
  const { annotations } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: own.name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, ...own.labels },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [
        {
          apiVersion: `${resource.group}/${resource.version}`,
          kind: resource.kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: template.spec,
  };
}

/** Ran to its end: takes no place, and serves nobody. */
export function isOver(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}
