import { fileURLToPath } from "node:url";
import type { KubeObject } from "../../api/kube/object.ts";
import { readClusterPolicy } from "../../runtime/kube/policy/read-cluster-policy.ts";

/** For tests: what is shipped in api/cluster-policy. */
export function shippedTexts(part: "hub" | "member"): readonly string[] {
  const folder = part === "hub" ? "../../api/cluster-policy/hub" : "../../api/cluster-policy";
  return readClusterPolicy(fileURLToPath(new URL(folder, import.meta.url)));
}

export function namesOf(objects: readonly KubeObject[]): readonly string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

export function findObject(
  objects: readonly KubeObject[],
  kind: string,
  name?: string,
): KubeObject | undefined {
  return objects.find(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  );
}

export interface Container {
  readonly args: readonly string[];
  readonly volumeMounts: readonly object[];
  readonly securityContext: object;
  readonly env?: readonly object[];
}

/** The only one of a Deployment. */
export function containerOf(objects: readonly KubeObject[], deployment: string): Container {
  const found = findObject(objects, "Deployment", deployment) as unknown as {
    readonly spec: {
      readonly template: { readonly spec: { readonly containers: readonly [Container] } };
    };
  };
  return found.spec.template.spec.containers[0];
}
