import type { KubeObject } from "../../api/kube/object.ts";
import { containerOf, securityContext, variablesOf } from "./container.ts";
import { type Container, labelsOf, selectorOf } from "./piece-words.ts";

/** A process that programs the kernels of nodes. */
export type NodeProcess = Omit<Container, "scratch" | "secrets" | "configMaps"> & {
  /** Which nodes, by their labels; none: all of them. */
  readonly nodes: readonly NodeRule[];
  /** Verbs that remove from a node what was put into it, in order: they run in the process's stead. */
  readonly cleanup: readonly (readonly string[])[] | undefined;
};

export interface NodeRule {
  readonly key: string;
  readonly operator: "In" | "NotIn";
  readonly values: readonly string[];
}

/** What it has to remember of the machine until that starts anew. */
export const NODE_STATE_DIR = "/run/isthmus";
/** Where a container may write the machine's network settings: its own /proc/sys is read-only. */
export const NODE_PROC_SYS = "/host/proc/sys";

const VOLUMES = [
  { name: "state", hostPath: { path: NODE_STATE_DIR, type: "DirectoryOrCreate" } },
  { name: "settings", hostPath: { path: "/proc/sys/net", type: "Directory" } },
] as const;
const MOUNTS = [
  { name: "state", mountPath: NODE_STATE_DIR },
  { name: "settings", mountPath: `${NODE_PROC_SYS}/net` },
] as const;
const POWERS = ["NET_ADMIN"];

/** A DaemonSet in the nodes' own network, as root with NET_ADMIN and no other power. */
export function daemonSetOf(process: NodeProcess): KubeObject & { readonly spec: object } {
  const { name, namespace } = process;
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { namespace, name, labels: labelsOf(name) },
    spec: {
      selector: { matchLabels: selectorOf(name) },
      // One node at a time: others carry its traffic meanwhile.
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      template: { metadata: { labels: labelsOf(name) }, spec: podOf(process) },
    },
  };
}

function podOf(process: NodeProcess): object {
  const { name, nodes, cleanup } = process;
  return {
    serviceAccountName: name,
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    tolerations: [{ operator: "Exists" }],
    ...(nodes.length === 0 ? {} : { affinity: { nodeAffinity: onNodes(nodes) } }),
    ...(cleanup === undefined ? {} : { terminationGracePeriodSeconds: 1 }),
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(cleanup === undefined
      ? { containers: [running(process)] }
      : {
          initContainers: cleanup.map((args, index) => cleaning(process, `clean-${index}`, args)),
          containers: [idle(process)],
        }),
    volumes: VOLUMES,
  };
}

function onNodes(matchExpressions: readonly NodeRule[]): object {
  return {
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
  };
}

function running(process: NodeProcess): object {
  const container = { ...process, scratch: [], secrets: [], configMaps: [] };
  return { ...containerOf(container, POWERS), volumeMounts: MOUNTS };
}

function cleaning(process: NodeProcess, name: string, args: readonly string[]): object {
  const { image, imagePullPolicy } = process;
  return {
    ...{ name, image, imagePullPolicy, args },
    env: variablesOf(process),
    securityContext: securityContext(POWERS),
    volumeMounts: MOUNTS,
  };
}

/** Does nothing, so that the pod is ready once its node is clean. */
function idle({ image, imagePullPolicy }: NodeProcess): object {
  return {
    ...{ name: "isthmus", image, imagePullPolicy },
    command: ["sleep", "infinity"],
    securityContext: securityContext([]),
  };
}
