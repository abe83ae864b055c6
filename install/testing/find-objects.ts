import { fileURLToPath } from "node:url";
import type { KubeObject } from "../../api/kube/object.ts";
import { readClusterPolicy } from "../../runtime/kube/policy/read-cluster-policy.ts";

/** For tests: what is shipped in api/cluster-policy. */
export function shippedTexts(part: "hub" | "member"): readonly string[] {
  const folder = part === "hub" ? "../../api/cluster-policy/hub" : "../../api/cluster-policy";
  return readClusterPolicy(fileURLToPath(new URL(folder, import.meta.url)));
}

/** For tests: alerts and a dashboard that say nothing. */
export const NO_WATCH = { alerts: "groups: []", dashboard: "{}" };

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
  readonly ports: readonly { readonly name: string }[];
  readonly volumeMounts: readonly object[];
  readonly securityContext: object;
  readonly env?: readonly object[];
}

interface Pod {
  readonly containers: readonly [Container];
  readonly initContainers?: readonly Container[];
}

/** Of a Deployment or a DaemonSet. */
export function podOf(objects: readonly KubeObject[], name: string): Pod {
  const found = (findObject(objects, "Deployment", name) ??
    findObject(objects, "DaemonSet", name)) as unknown as {
    readonly spec: { readonly template: { readonly spec: Pod } };
  };
  return found.spec.template.spec;
}

/** Its only one. */
export function containerOf(objects: readonly KubeObject[], name: string): Container {
  return podOf(objects, name).containers[0];
}
