import type { GatewayFact } from "../../../api/network/network-facts.ts";
import { hardwareAddress } from "./hardware-address.ts";
import type { Link } from "./kernel-state.ts";
import type { OwnGateway, PeerNetwork } from "./networks.ts";
import { gatewayName } from "./networks.ts";
import { type VxlanSettings, wanDevices } from "./settings.ts";
import { isV6, ofFamily, tunnelSize } from "./underlay-family.ts";

/** What packets between gateways travel in. */
export interface Outer {
  /** Own addresses that they leave with; none inside WireGuard: each key has its own. */
  readonly local: readonly string[];
  /** Of the link or of WireGuard underneath, bytes. */
  readonly mtu: number;
  /** Inside WireGuard. */
  readonly encrypted?: {
    /** Of each gateway there, by name. Who has none is not reached. */
    readonly addresses: ReadonlyMap<string, string>;
    /** Over which device, and from which own address. */
    readonly routes: readonly {
      readonly destination: string;
      readonly device: string;
      readonly source: string;
    }[];
  };
}

/** A gateway of a peer, and how its packets are sent. */
export interface RemoteGateway {
  readonly name: string;
  readonly link: string;
  readonly remote: string;
  readonly port: number;
  readonly tunnelAddresses: readonly string[];
}

/** Gateways that can be sent to at all: a family in common, and a key where keys are asked for. */
export function remoteGateways(
  peers: readonly PeerNetwork[],
  outer: Outer,
  settings: Pick<VxlanSettings, "wanDevice">,
): readonly RemoteGateway[] {
  const [overV4 = "", overV6 = ""] = wanDevices(settings);
  return peers.flatMap(({ cluster, gateways }) =>
    gateways.flatMap((gateway) => {
      const name = gatewayName(cluster, gateway.node);
      const remote = outerAddress(name, gateway, outer);
      if (remote === undefined || gateway.tunnelAddresses.length === 0) return [];
      const { port, tunnelAddresses } = gateway;
      return [{ name, link: isV6(remote) ? overV6 : overV4, remote, port, tunnelAddresses }];
    }),
  );
}

function outerAddress(
  name: string,
  { endpoints }: GatewayFact,
  { local, encrypted }: Outer,
): string | undefined {
  if (encrypted !== undefined) return encrypted.addresses.get(name);
  for (const v6 of [false, true]) {
    const remote = ofFamily(endpoints, v6);
    if (remote !== undefined && ofFamily(local, v6) !== undefined) return remote;
  }
  return undefined;
}

/**
 * All that there can be, whichever peers come: rules are there before a device is, and after it. A rule that compares with one name
 * costs less than one that looks into a set.
 */
export function possibleWanDevices(
  { local, encrypted }: Outer,
  settings: Pick<VxlanSettings, "wanDevice">,
): readonly string[] {
  const [overV4 = "", overV6 = ""] = wanDevices(settings);
  return encrypted === undefined && !local.some(isV6) ? [overV4] : [overV4, overV6];
}

/** The devices that the gateways at hand need. Their MACs are the gateway's own, whichever it is reached over. */
export function wanLinks(
  remotes: readonly RemoteGateway[],
  { local, mtu, encrypted }: Outer,
  own: Pick<OwnGateway, "port" | "tunnelAddresses">,
  /** Some path carries too little for IPv6 in one piece. */
  isCut: boolean,
  settings: Pick<VxlanSettings, "wanDevice" | "wanVni">,
): readonly Link[] {
  const mac = hardwareAddress("wan", own.tunnelAddresses[0] ?? "");
  const used = new Set(remotes.map(({ link }) => link));
  return wanDevices(settings).flatMap((name, index) => {
    if (!used.has(name)) return [];
    const v6 = index === 1;
    const size = tunnelSize(mtu, v6, own.tunnelAddresses);
    const from = encrypted === undefined ? ofFamily(local, v6) : undefined;
    return [
      {
        name,
        vni: settings.wanVni,
        port: own.port,
        ...(from !== undefined && { local: from }),
        mac,
        mtu: size.mtu,
        dontFragment: size.dontFragment && !isCut,
      },
    ];
  });
}
