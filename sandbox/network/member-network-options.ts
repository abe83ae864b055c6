import { type Cidr, parseCidr } from "../../api/network/cidr.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { type HostPort, parseHostPort } from "./loopback.ts";

/** Another member's pod network and the loopback entry that carries packets into it. */
export interface PeerNetwork {
  readonly cidrs: readonly string[];
  /** `host:port` of the peer's fabric. */
  readonly fabric: string;
}

/** A `PeerNetwork` after parsing. */
export interface PeerRoute {
  readonly cidrs: readonly Cidr[];
  readonly fabric: HostPort;
}

export function parsePeers(peers: readonly PeerNetwork[]): Result<readonly PeerRoute[], string> {
  const routes: PeerRoute[] = [];
  for (const peer of peers) {
    const cidrs = parseCidrs(peer.cidrs);
    if (!cidrs.ok) return err(`cannot use peer ${peer.fabric}: ${cidrs.error}`);
    const fabric = parseHostPort(peer.fabric);
    if (!fabric.ok) return err(`cannot use peer ${peer.fabric}: ${fabric.error}`);
    routes.push({ cidrs: cidrs.value, fabric: fabric.value });
  }
  return ok(routes);
}

export function parseCidrs(texts: readonly string[]): Result<readonly Cidr[], string> {
  const cidrs: Cidr[] = [];
  for (const text of texts) {
    const cidr = parseCidr(text);
    if (!cidr.ok) return cidr;
    cidrs.push(cidr.value);
  }
  return ok(cidrs);
}
