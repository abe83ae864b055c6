import type { CustomResourceDefinition } from "../../api/kube/custom-resource-definition.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { Service } from "../../api/kube/service.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { Peer } from "../../api/network/peer.ts";
import type { Result } from "../../api/result.ts";
import type { Slice } from "../../api/slices/slice.ts";
import type { ClusterDns } from "../../install/cluster-dns/wiring-plan.ts";
import type { DnsFact } from "../ask-dns/dns-fact.ts";
import type { ConnectionFact } from "../packet-test/connection-fact.ts";
import type { ControllersReport } from "../status/controllers-report.ts";
import type { PeerReport } from "../status/member-report.ts";

/** What a look found; undefined: it is not there. The error says why nobody could look. */
export type Looked<T> = Result<T, string>;

/** All that is known of one service in one member, and of what its name and addresses do. */
export interface Facts {
  readonly namespace: string;
  readonly name: string;
  /** The cluster that the service is wanted in, when it is not this one. */
  readonly client?: string;
  /** Where our own objects live. */
  readonly systemNamespace: string;
  readonly nowMs: number;
  readonly membership: Looked<{
    readonly clusterId: string | undefined;
    readonly clusterset: string | undefined;
  }>;
  /** Those of ServiceExport and ServiceImport that the cluster has. */
  readonly definitions: Looked<readonly CustomResourceDefinition[]>;
  readonly controllers: Looked<ControllersReport | undefined>;
  readonly namespaceObject: Looked<Namespace | undefined>;
  readonly service: Looked<Service | undefined>;
  /** The Service's own, not ours. */
  readonly serviceSlices: Looked<readonly EndpointSlice[]>;
  readonly serviceExport: Looked<ServiceExport | undefined>;
  readonly serviceImport: Looked<ServiceImport | undefined>;
  readonly derivedService: Looked<Service | undefined>;
  /** MCS slices of the import. */
  readonly importSlices: Looked<readonly EndpointSlice[]>;
  /** Other clusters as the controllers heard of them. */
  readonly peerReports: Looked<readonly PeerReport[]>;
  /** Empty: the cluster takes no part in connectivity. */
  readonly peers: Looked<readonly Peer[]>;
  /** Slices that this cluster is in. */
  readonly slices: Looked<readonly Slice[]>;
  /** What the cluster's own DNS is told. */
  readonly clusterDns: Looked<ClusterDns>;
  /** Addresses of the DNS server of the clusterset in this cluster. */
  readonly dnsAddresses: Looked<readonly string[]>;
  readonly answers: Looked<readonly DnsFact[]>;
  readonly connections: Looked<readonly ConnectionFact[]>;
}
