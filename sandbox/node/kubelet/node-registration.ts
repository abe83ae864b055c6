import { err, ok, type Result } from "../../../api/result.ts";
import type { CallOptions, KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { NODES, type Node } from "../kinds/node.ts";

export interface NodeFacts {
  readonly name: string;
  readonly zone: string;
  readonly nodeIp: string;
  readonly podCidrs: readonly string[];
  /** RFC 3339. */
  readonly now: string;
}

/** Makes the Node object exist and be Ready, as a kubelet does when it starts. A Node that is there keeps its fields. */
export async function registerNode(
  kube: KubeClient,
  facts: NodeFacts,
  options: CallOptions,
): Promise<Result<void, KubeError>> {
  const created = await kube.create<Node>(NODES, nodeOf(facts), options);
  if (!created.ok && created.error.kind !== "already-exists") return err(created.error);
  const target = { resource: NODES, name: facts.name };
  const patch = { status: statusOf(facts) };
  const patched = await kube.mergePatch<Node>(target, patch, { ...options, subresource: "status" });
  return patched.ok ? ok(undefined) : err(patched.error);
}

function nodeOf(facts: NodeFacts): Node {
  const [podCIDR] = facts.podCidrs;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: facts.name,
      labels: {
        "kubernetes.io/hostname": facts.name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": facts.zone,
      },
    },
    spec: { podCIDRs: facts.podCidrs, ...(podCIDR === undefined ? {} : { podCIDR }) },
  };
}

function statusOf(facts: NodeFacts): NonNullable<Node["status"]> {
  return {
    addresses: [
      { type: "InternalIP", address: facts.nodeIp },
      { type: "Hostname", address: facts.name },
    ],
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        message: "the sandbox node serves pods",
        lastTransitionTime: facts.now,
      },
    ],
  };
}
