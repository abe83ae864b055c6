import type { RowEndpoint, RowPort } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Backend, ProbeResult, ReachableSlice } from "../backend.ts";
import type { PortTable } from "./listen/port-table.ts";

export interface ProxyBackendDeps {
  /** Addresses of the local proxies that carry what goes to the peer, of that family, as they are now. */
  readonly localProxies: (family: IpFamily, peer: ClusterId) => readonly string[];
  readonly ports: Pick<PortTable, "portOf">;
  /** What the local proxies report of a peer (PathReport); without it nothing is known. */
  readonly measured?: (peer: ClusterId) => ProbeResult;
}

/**
 * Clients dial the local proxies in the place of a peer's endpoints: addresses become the proxies', ports those that the table
 * gives. Which endpoint it is in the end the exporting side chooses, so a slice of any number of endpoints becomes one of as
 * many as there are proxies, and hostnames are lost: one address cannot be several (README, headless services).
 */
export function proxyBackend({ localProxies, ports, measured }: ProxyBackendDeps): Backend {
  return {
    name: "proxy",
    advertise: (endpoint) => endpoint,
    reach(peer, service, slice) {
      const state = stateOf(slice);
      const addresses = localProxies(slice.addressType, peer);
      if (state === undefined || addresses.length === 0) return undefined;
      const mapped = slice.ports.flatMap((port) => mapPort(ports, { peer, service }, port));
      if (mapped.length === 0) return undefined;
      return {
        addressType: slice.addressType,
        ports: mapped,
        endpoints: addresses.map((address) => ({ addresses: [address], ...state })),
      };
    },
    // The proxies keep themselves at what slices and Peers say: there is nothing to bring about from here.
    apply: async () => undefined,
    probe: async (peer) =>
      measured?.(peer) ?? { kind: "not-tested", reason: "no proxy has reported yet" },
    cleanup: async () => undefined,
  };
}

/** As good as the best endpoint behind it; undefined: none is there. */
function stateOf({
  endpoints,
}: ReachableSlice): Pick<RowEndpoint, "ready" | "serving" | "terminating"> | undefined {
  if (endpoints.length === 0) return undefined;
  return {
    ready: endpoints.some(({ ready }) => ready),
    serving: endpoints.some(({ serving }) => serving),
    terminating: endpoints.every(({ terminating }) => terminating),
  };
}

function mapPort(
  ports: ProxyBackendDeps["ports"],
  of: { readonly peer: ClusterId; readonly service: ServiceKey },
  port: RowPort,
): readonly RowPort[] {
  const number = ports.portOf({ ...of, port: port.name, protocol: port.protocol });
  return number === undefined ? [] : [{ ...port, port: number }];
}
