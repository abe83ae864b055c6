import type { BackendName } from "../../api/network/backend-name.ts";
import { parseIpAddress } from "../../api/network/ip-address.ts";
import type { PeerSpec } from "../../api/network/peer.ts";
import { serviceKey } from "../../api/service-key.ts";
import type { Backend } from "../backend.ts";
import type { ProbeTarget } from "../probe/path-measurement.ts";

/** More tell nothing that these do not, which are never all restarted at once: BOUNDED, whatever a peer says. */
const RESPONDERS_MAX = 4;
/** Whoever maps a slice may be told whose it is: responders belong to no service. */
const RESPONDER = serviceKey("isthmus-system", "responder");

/** Key of the targets of one path, before the responder's own. */
export function targetPrefix(peer: string, backend: BackendName): string {
  return `${peer}/${backend}/`;
}

/**
 * A peer's responders as clients here dial them over a backend: probes go the way that traffic goes. None where the
 * backend has no way for them.
 */
export function probeTargets(
  { cluster, responders }: Pick<PeerSpec, "cluster" | "responders">,
  backend: Pick<Backend, "name" | "reach">,
): readonly ProbeTarget[] {
  return responders.slice(0, RESPONDERS_MAX).flatMap((text) => {
    const responder = parseResponder(text);
    if (responder === undefined) return [];
    const reached = backend.reach(cluster, RESPONDER, {
      addressType: responder.family,
      ports: [{ name: "", protocol: "UDP", port: responder.port }],
      endpoints: [
        { addresses: [responder.address], ready: true, serving: true, terminating: false },
      ],
    });
    const address = reached?.endpoints[0]?.addresses[0];
    const port = reached?.ports[0]?.port;
    if (address === undefined || port === undefined) return [];
    const key = `${targetPrefix(cluster, backend.name)}${text}`;
    return [{ key, cluster, address, port }];
  });
}

/** `address:port`, IPv6 in brackets; undefined for anything else: a peer wrote it. */
function parseResponder(
  text: string,
): { address: string; port: number; family: "IPv4" | "IPv6" } | undefined {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const address = parseIpAddress(host);
  if (!address.ok || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { address: host, port, family: address.value.family };
}
