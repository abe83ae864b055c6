import { type Cidr, cidrSize } from "../../api/network/cidr.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { type HostPort, parseHostPort } from "../network/loopback.ts";
import { type PeerRoute, parseCidrs, parsePeers } from "../network/member-network-options.ts";
import type { MemberNodeOptions } from "./member-node-options.ts";

/** Options after parsing, defaults filled in. */
export interface MemberNodeSettings {
  readonly cluster: string;
  readonly nodeName: string;
  readonly zone: string;
  readonly namespace: string;
  readonly terminationGraceMs: number;
  readonly podCidrs: readonly Cidr[];
  readonly serviceCidrs: readonly Cidr[];
  readonly peers: readonly PeerRoute[];
  readonly socksListen: HostPort;
  readonly fabricListen: HostPort;
  readonly dnsServer: HostPort | undefined;
}

/** Sixteen addresses are the infrastructure's; fewer than a /27 would leave pods next to none. */
const MIN_POD_ADDRESSES = 32n;

export function parseMemberOptions(options: MemberNodeOptions): Result<MemberNodeSettings, string> {
  const podCidrs = parsePodCidrs(options.podCidrs);
  if (!podCidrs.ok) return podCidrs;
  const serviceCidrs = parseCidrs(options.serviceCidrs);
  if (!serviceCidrs.ok) return serviceCidrs;
  const peers = parsePeers(options.peers ?? []);
  if (!peers.ok) return peers;
  const socksListen = parseHostPort(options.socksListen ?? "127.0.0.1:0");
  if (!socksListen.ok) return socksListen;
  const fabricListen = parseHostPort(options.fabricListen ?? "127.0.0.1:0");
  if (!fabricListen.ok) return fabricListen;
  const dnsServer = options.dnsServer === undefined ? undefined : parseHostPort(options.dnsServer);
  if (dnsServer?.ok === false) return dnsServer;
  return ok({
    cluster: options.cluster,
    nodeName: options.nodeName ?? "node-1",
    zone: options.zone ?? "zone-1",
    namespace: options.namespace ?? "default",
    terminationGraceMs: options.terminationGraceMs ?? 1000,
    podCidrs: podCidrs.value,
    serviceCidrs: serviceCidrs.value,
    peers: peers.value,
    socksListen: socksListen.value,
    fabricListen: fabricListen.value,
    dnsServer: dnsServer?.value,
  });
}

function parsePodCidrs(texts: readonly string[]): Result<readonly Cidr[], string> {
  const cidrs = parseCidrs(texts);
  if (!cidrs.ok) return cidrs;
  const families = new Set(cidrs.value.map((cidr) => cidr.family));
  if (cidrs.value.length === 0 || families.size < cidrs.value.length) {
    const seen = JSON.stringify(texts);
    return err(`cannot use pod CIDRs: must be one, or two of different families: got ${seen}`);
  }
  const small = cidrs.value.findIndex((cidr) => cidrSize(cidr) < MIN_POD_ADDRESSES);
  if (small < 0) return cidrs;
  return err(
    `cannot use pod CIDR: must hold at least ${MIN_POD_ADDRESSES} addresses: got ${texts[small]}`,
  );
}
