import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { formatListenAddress } from "../../runtime/net/listen-address.ts";

/** Told to peers: they probe some of them. The hub takes 16. */
const RESPONDERS_MAX = 8;

export interface RespondersKnown {
  /** This process's own. */
  readonly own: readonly string[];
  /** Its own while it stops: none any more, whatever slices say yet. */
  readonly parted: readonly string[];
  /** Of the responders' Service. */
  readonly slices: Iterable<EndpointSlice>;
}

/** Where this cluster answers probes, `address:port`, each once, the same order whoever asks. Pure. */
export function listResponders({ own, parted, slices }: RespondersKnown): readonly string[] {
  const listed = [...slices].flatMap(({ addressType, endpoints, ports }) => {
    if (addressType === "FQDN") return [];
    const udp = (ports ?? []).flatMap(({ protocol, port }) =>
      protocol === "UDP" && port !== undefined ? [port] : [],
    );
    // A pod that is not ready may answer probes all the same; one that is going soon will not.
    const staying = (endpoints ?? []).filter(({ conditions }) => conditions?.terminating !== true);
    return staying.flatMap(({ addresses: [host] }) =>
      host === undefined ? [] : udp.map((port) => formatListenAddress({ host, port })),
    );
  });
  const all = new Set([...own, ...listed]);
  for (const address of parted) all.delete(address);
  return [...all].toSorted().slice(0, RESPONDERS_MAX);
}
