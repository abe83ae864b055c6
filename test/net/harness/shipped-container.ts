import type { KubeObject } from "../../../api/kube/object.ts";

/**
 * What a kubelet reads of a container that `install/` makes, as far as it decides what a process may do and where it may write.
 */
export interface ShippedContainer {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** User and group. */
  readonly user: number;
  /** Such as NET_ADMIN; no others. */
  readonly powers: readonly string[];
  readonly mounts: readonly ShippedMount[];
}

export interface ShippedMount {
  /** Inside. */
  readonly path: string;
  /** "": an empty folder that goes with the pod; otherwise a path of the node. */
  readonly hostPath: string;
  /** Of a Secret or a ConfigMap. */
  readonly source: string | undefined;
  readonly readOnly: boolean;
}

interface PodSpec {
  readonly securityContext: { readonly runAsUser: number };
  readonly volumes: readonly {
    readonly name: string;
    readonly hostPath?: { readonly path: string };
    readonly secret?: { readonly secretName: string };
    readonly configMap?: { readonly name: string };
  }[];
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly env?: readonly {
      readonly name: string;
      readonly value?: string;
      readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
    }[];
    readonly securityContext: {
      readonly readOnlyRootFilesystem: boolean;
      readonly allowPrivilegeEscalation: boolean;
      readonly capabilities: { readonly add?: readonly string[]; readonly drop: readonly string[] };
    };
    readonly volumeMounts: readonly {
      readonly name: string;
      readonly mountPath: string;
      readonly readOnly?: boolean;
    }[];
  }[];
}

/** @param fields of the pod, by field path */
export function shippedContainer(
  workload: KubeObject,
  fields: Readonly<Record<string, string>>,
): ShippedContainer {
  const { template } = Reflect.get(workload, "spec") as { template: { spec: PodSpec } };
  const { containers, volumes, securityContext } = template.spec;
  const [container] = containers;
  if (container === undefined) throw new Error(`${workload.metadata.name}: no container`);
  const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } =
    container.securityContext;
  // What the room is built to; a chart that asks for less is not what this tests.
  if (!readOnlyRootFilesystem || allowPrivilegeEscalation || !capabilities.drop.includes("ALL")) {
    throw new Error(`${workload.metadata.name}: must be sealed: got ${JSON.stringify(container)}`);
  }
  const env = Object.fromEntries(
    (container.env ?? []).map(({ name, value, valueFrom }) => [
      name,
      value ?? fields[valueFrom?.fieldRef.fieldPath ?? ""] ?? "",
    ]),
  );
  return {
    args: container.args.map((arg) =>
      arg.replaceAll(/\$\(([A-Z_]+)\)/g, (_, name: string) => env[name] ?? ""),
    ),
    env,
    user: securityContext.runAsUser,
    powers: capabilities.add ?? [],
    mounts: container.volumeMounts.map(({ name, mountPath: path, readOnly = false }) => {
      const volume = volumes.find((one) => one.name === name);
      const source = volume?.secret?.secretName ?? volume?.configMap?.name;
      return { path, hostPath: volume?.hostPath?.path ?? "", source, readOnly };
    }),
  };
}
