import type { ClusterId } from "../../api/cluster-id.ts";
import type { BackendName } from "../../api/network/backend-name.ts";
import { cidrsOverlap, parseCidr } from "../../api/network/cidr.ts";
import type { GlobalPrefix, NetworkFacts, OverlayFact } from "../../api/network/network-facts.ts";
import { OVERLAP_REASON } from "../../api/network/peer.ts";

/** What this cluster can do. */
export interface OwnNetwork {
  readonly cluster: ClusterId;
  readonly podCidrs: readonly string[];
  readonly globalPrefixes: readonly GlobalPrefix[];
  readonly overlay: OwnOverlay | undefined;
}

/** What besides is known only where reports are read. */
export interface OwnProxies {
  /** A proxy of this cluster has reported where it takes clients. */
  readonly hasProxy: boolean;
}

/** A mesh of the CNI, as its own objects in this cluster show it. */
export interface OwnOverlay extends OverlayFact {
  /** Why the mesh with a member of this id in it is not up, as far as its objects tell; undefined: it is. */
  readonly problemWith: (id: string) => string | undefined;
}

/** Why a backend cannot carry anything between this cluster and a peer, whatever probes say; undefined: it can. */
export function whyUnusable(
  backend: BackendName,
  own: OwnNetwork & OwnProxies,
  peer: NetworkFacts & { readonly cluster: ClusterId },
): string | undefined {
  // One that says nothing of backends has none to choose from: its addresses are all there is.
  const offered = peer.backends.length === 0 ? ["underlay"] : peer.backends;
  if (!offered.includes(backend)) return `${peer.cluster} does not offer ${backend}`;
  switch (backend) {
    case "underlay":
      return overlap(own, peer);
    case "overlay-cni":
      return whyNoOverlay(own, peer) ?? overlap(own, peer);
    case "vxlan":
      return whyNoGateways(own, peer);
    case "proxy":
      return own.hasProxy ? undefined : "no proxy of this cluster has reported yet";
  }
}

/** Addresses mean the same pods in both clusters only where no network is in both. */
function overlap(
  own: OwnNetwork,
  peer: NetworkFacts & { readonly cluster: ClusterId },
): string | undefined {
  for (const here of own.podCidrs) {
    const a = parseCidr(here);
    if (!a.ok) continue;
    for (const there of peer.podCidrs) {
      const b = parseCidr(there);
      if (b.ok && cidrsOverlap(a.value, b.value)) {
        return `${OVERLAP_REASON}: ${here} here, ${there} in ${peer.cluster}`;
      }
    }
  }
  return undefined;
}

function whyNoOverlay(
  { overlay: own }: OwnNetwork,
  { overlay: theirs, cluster }: NetworkFacts & { readonly cluster: ClusterId },
): string | undefined {
  if (own === undefined) return "no mesh of a CNI is recognised here";
  if (theirs === undefined) return `no mesh of a CNI is recognised in ${cluster}`;
  if (own.mesh !== theirs.mesh) return `other mesh: ${own.mesh} here, ${theirs.mesh} in ${cluster}`;
  if (own.id === theirs.id) return `both are called ${JSON.stringify(own.id)} in ${own.mesh}`;
  return own.problemWith(theirs.id);
}

function whyNoGateways(
  own: OwnNetwork,
  peer: NetworkFacts & { readonly cluster: ClusterId },
): string | undefined {
  if (own.globalPrefixes.length === 0) return "this cluster has no global prefixes yet";
  if (peer.globalPrefixes.length === 0) return `${peer.cluster} has no global prefixes yet`;
  if (peer.gateways.length === 0) return `${peer.cluster} has no gateway that is ready`;
  return undefined;
}
