import type { ClusterId } from "../cluster-id.ts";
import type { KubeObject } from "../kube/object.ts";
import type { PathStatus } from "./peer.ts";
import type { ProxyTraffic } from "./proxy-traffic.ts";

export const REPORTER_ROLES = ["gateway", "proxy", "node-agent", "controllers"] as const;
export type ReporterRole = (typeof REPORTER_ROLES)[number];

/** What one prober measured, named by its pod or node. Written by it alone: at once when a state changes, else at most each 10 s. */
export interface PathReport extends KubeObject {
  readonly spec: PathReportSpec;
}

export interface PathReportSpec {
  readonly role: ReporterRole;
  /** Node it runs on; absent where that is not known. */
  readonly node?: string;
  /** Of a gateway: at which it is reached from other clusters; of a proxy: `host:port` each, at which it can be dialled. */
  readonly endpoints: readonly string[];
  /** Of a proxy: addresses of its pod, to which imported services send this cluster's clients. */
  readonly clientAddresses?: readonly string[];
  /** Of a gateway: UDP port of the tunnel between clusters. */
  readonly port?: number;
  /** Of a gateway, WireGuard. */
  readonly publicKey?: string;
  readonly wgPort?: number;
  readonly paths: readonly ReportedPath[];
  /** Of a proxy: what it has carried. Read by `parseProxyTraffic`: who chooses paths has no use for it. */
  readonly traffic?: ProxyTraffic;
  /** RFC 3339, MicroTime: a report that was not renewed lately says nothing. */
  readonly renewedAt: string;
}

export interface ReportedPath extends PathStatus {
  readonly peer: ClusterId;
}
