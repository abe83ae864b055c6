import { randomBytes } from "node:crypto";
import { NODES, type Node } from "../../api/kube/node.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { MEMBER_NETWORKS, PEERS } from "../../api/network/resources.ts";
import { Prober } from "../../connectivity/probe/prober.ts";
import { tunnelProbes } from "../../connectivity/vxlan/whole-probes.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import type { MemberProcess } from "../process/member-process.ts";

/** Reflectors of what node agents and gateways both need to know. */
export function networkReflectors(deps: MemberProcess["deps"]) {
  return {
    networks: reflectorOf(MEMBER_NETWORKS, deps),
    peers: reflectorOf(PEERS, deps),
    nodes: new Reflector<Node>({ resource: NODES, project: slimNode }, deps),
  };
}

export function reflectorOf(
  resource: Resource,
  deps: MemberProcess["deps"],
): Reflector<KubeObject> {
  return new Reflector<KubeObject>({ resource }, deps);
}

/** Kubelets write a node's status every few seconds: what of it nobody reads is no change. */
function slimNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { podCIDR, podCIDRs } = spec ?? {};
  return {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    spec: {
      ...(podCIDR !== undefined && { podCIDR }),
      ...(podCIDRs !== undefined && { podCIDRs }),
    },
    status: { addresses: status?.addresses ?? [] },
  };
}

export function tunnelProber(deps: MemberProcess["deps"], signal: AbortSignal): Prober {
  const { settings, openSocket } = tunnelProbes(deps);
  const drawNonce = () => randomBytes(8).readBigUInt64BE();
  return new Prober(settings, { ...deps, openSocket, drawNonce }, signal);
}
