import type { RowEndpoint } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { GlobalPrefix } from "../../api/network/network-facts.ts";
import type { Backend } from "../backend.ts";
import { mapAddressText, type PrefixMap, parsePrefixMap } from "../network/map-prefix.ts";

/**
 * Endpoints of a peer at their global addresses, which the nodes' routes lead to the gateways. The dataplane is kept by
 * gateways and node agents, each on its own machine: there is nothing to apply here.
 * @param prefixesOf one-to-one translations of a peer's pod networks
 */
export function vxlanBackend(prefixesOf: (peer: ClusterId) => readonly GlobalPrefix[]): Backend {
  return {
    name: "vxlan",
    advertise: (endpoint) => endpoint,
    reach(peer, _service, slice) {
      const maps = prefixesOf(peer).flatMap((prefix) => {
        const map = parsePrefixMap(prefix.cidr, prefix.global);
        return map.ok ? [map.value] : [];
      });
      const endpoints = slice.endpoints.flatMap((endpoint) => global(endpoint, maps) ?? []);
      // An empty slice stays what it is; one whose endpoints all lie outside of what is translated leads nowhere.
      return endpoints.length === 0 && slice.endpoints.length > 0
        ? undefined
        : { ...slice, endpoints };
    },
    apply: async () => undefined,
    probe: async () => ({ kind: "not-tested", reason: "gateways measure and report" }),
    cleanup: async () => undefined,
  };
}

function global(endpoint: RowEndpoint, maps: readonly PrefixMap[]): RowEndpoint | undefined {
  const addresses = endpoint.addresses.flatMap((address) => mapAddressText(address, maps) ?? []);
  return addresses.length === 0 ? undefined : { ...endpoint, addresses };
}
