import type { PodPlace } from "../../../api/kube/pod.ts";
import { addressBytes, addressText } from "../../../api/network/address-bytes.ts";
import type { ObjectView } from "../../../runtime/kube/object-view.ts";

/** Index of `projectPod`ed pods by address, for a reflector. */
export const BY_ADDRESS = "address";

const ENDED: ReadonlySet<string> = new Set(["Succeeded", "Failed"]);

/** A pod with nothing but its place: of a large one a few hundred bytes stay. */
export function projectPod({ apiVersion, kind, metadata, spec, status }: PodPlace): PodPlace {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    ...(spec?.hostNetwork === true && { spec: { hostNetwork: true } }),
    status: {
      ...(status?.phase !== undefined && { phase: status.phase }),
      podIPs: status?.podIPs ?? [],
    },
  };
}

/** Addresses that are this pod's and nobody else's. */
export function addressesOfPod({ spec, status }: PodPlace): readonly string[] {
  if (spec?.hostNetwork === true || ENDED.has(status?.phase ?? "")) return [];
  return (status?.podIPs ?? []).map(({ ip }) => plain(ip));
}

/**
 * Namespace of the pod with that address; empty: of none, or of pods in several namespaces, as may be seen for a moment when
 * an address passes from one pod to the next. Who is not known for sure is let in by no rule that asks for a namespace.
 */
export function namespaceOfClient(
  pods: Pick<ObjectView<PodPlace>, "byIndex">,
  address: string,
): string {
  const namespaces = new Set(
    pods.byIndex(BY_ADDRESS, plain(address)).map(({ metadata }) => metadata.namespace ?? ""),
  );
  const [only] = namespaces;
  return namespaces.size === 1 && only !== undefined ? only : "";
}

/** As sockets and API servers may write one and the same address in several ways. */
function plain(address: string): string {
  return addressText(addressBytes(address));
}
