import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { PeerNetwork } from "../network/member-network-options.ts";
import type { PodDirectory } from "../network/pod-directory.ts";
import type { PodRuntime } from "./pod-server/pod-runtime.ts";

/** One member of a sandbox: its addresses inside the cluster and its entries on the machine. */
export interface MemberNodeOptions {
  /** Shown by pods in their answers. */
  readonly cluster: string;
  /** One CIDR, or two of different families for dual stack; the first family is the primary one. At least 32 addresses, e.g. `10.1.0.0/16`. */
  readonly podCidrs: readonly string[];
  /** Where the API server allocates ClusterIPs from; an unassigned address in it is unreachable. */
  readonly serviceCidrs: readonly string[];
  /** @default "node-1" */
  readonly nodeName?: string;
  /** Label topology.kubernetes.io/zone of the node. @default "zone-1" */
  readonly zone?: string;
  /** `host:port` of the SOCKS5 entry, port 0 for any. @default "127.0.0.1:0" */
  readonly socksListen?: string;
  /** `host:port` where peers' fabrics come in, port 0 for any. @default "127.0.0.1:0" */
  readonly fabricListen?: string;
  /** `host:port` of the DNS server for every name outside cluster.local; may be set later. @default none: such names do not exist */
  readonly dnsServer?: string;
  /** Namespace whose short names the shell resolves. @default "default" */
  readonly namespace?: string;
  /** Other members' pod networks that the underlay routes to. @default [] */
  readonly peers?: readonly PeerNetwork[];
  /** Upper bound of a pod's termination grace period. @default 1,000 */
  readonly terminationGraceMs?: number;
}

/** What a node asks of its API server. */
export type NodeKube = Pick<
  KubeClient,
  "list" | "watch" | "create" | "update" | "mergePatch" | "delete"
>;

export interface MemberNodeDeps {
  /** This member's own API server. */
  readonly kube: NodeKube;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
  /** Runs pods instead, or some of them: it is given the runtime that there is. @default that one */
  readonly runtimeAround?: (runtime: PodRuntime, directory: PodDirectory) => PodRuntime;
}
