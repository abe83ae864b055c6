import type { Result } from "../../api/result.ts";
import type { MemberNetwork } from "../network/member-network.ts";
import type { PeerNetwork } from "../network/member-network-options.ts";
import type { PodDirectory } from "../network/pod-directory.ts";
import type { MemberNodeDeps, MemberNodeOptions } from "./member-node-options.ts";

/** A running node with its network. */
export interface MemberNode {
  /** `host:port` of the SOCKS5 entry: a shell inside this cluster. */
  readonly socks: string;
  /** `host:port` for peers' `PeerNetwork.fabric`. */
  readonly fabric: string;
  /** The address that connections from the SOCKS5 entry have inside the cluster. */
  readonly shellIp: string;
  readonly nodeIp: string;
  /** Dials pod and cluster IPs as a pod of this member would. */
  readonly network: MemberNetwork;
  /** Gives other parts of the process an address in this member, e.g. a gateway. */
  readonly directory: PodDirectory;
  /** Replaces all; an error names the peer that cannot be parsed, and nothing changes. */
  setPeers(peers: readonly PeerNetwork[]): Result<void, string>;
  /** `host:port`; see `MemberNodeOptions.dnsServer`. */
  setDnsServer(address: string): Result<void, string>;
  /** Idempotent; ends within about two seconds. Pods stay in the API server. */
  stop(): Promise<void>;
}

/** Starts the node of one member. Resolves once its entries listen; Pods are adopted as they are seen. Fails on bad options or a taken port. */
export type StartMemberNode = (
  options: MemberNodeOptions,
  deps: MemberNodeDeps,
) => Promise<Result<MemberNode, string>>;
