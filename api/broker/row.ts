import type { ClusterId } from "../cluster-id.ts";
import type { IpFamily, Protocol } from "../kube/service.ts";
import type { ServiceImportType } from "../mcs/service-import.ts";
import type { NetworkFacts } from "../network/network-facts.ts";
import { type ServiceKey, serviceKey } from "../service-key.ts";

/**
 * A row is one record in the broker. It has one owner, the only cluster that may write it (I3), and
 * carries plain values: no Kubernetes apiVersion travels between clusters (VER-08).
 */
export type Row = ServiceRow | NetworkRow;

/** A row about one exported Service. */
export type ServiceRow = ExportRow | EndpointsRow;

/** What one cluster says about one exported Service (EXP-10, EXP-11). */
export interface ExportRow {
  readonly kind: "export";
  readonly cluster: ClusterId;
  readonly namespace: string;
  readonly name: string;
  /** `metadata.creationTimestamp` of the ServiceExport, epoch milliseconds: precedence (CON-02, CON-04). */
  readonly createdAtMs: number;
  readonly type: ServiceImportType;
  readonly ports: readonly RowPort[];
  readonly sessionAffinity: string;
  readonly sessionAffinityTimeoutSeconds?: number;
  readonly internalTrafficPolicy?: string;
  readonly trafficDistribution?: string;
  readonly ipFamilies: readonly IpFamily[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly audience?: RowAudience;
}

/** The clusters besides its owner that a row is for, sorted; absent: all. */
export type RowAudience = readonly ClusterId[];

export interface RowPort {
  /** Empty for an unnamed port; in an ExportRow the name of the Service port, which slice ports repeat (EXP-13). */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly appProtocol?: string;
}

/** One EndpointSlice of an exported Service, with addresses as peers can dial them. */
export interface EndpointsRow {
  readonly kind: "endpoints";
  readonly cluster: ClusterId;
  readonly namespace: string;
  readonly name: string;
  /** Name of the source slice: with the fields above, the row's key. */
  readonly slice: string;
  readonly addressType: IpFamily;
  /** Ports as in the slice: names of Service ports, numbers of target ports. */
  readonly ports: readonly RowPort[];
  readonly endpoints: readonly RowEndpoint[];
  readonly audience?: RowAudience;
}

export interface RowEndpoint {
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly hostname?: string;
  readonly zone?: string;
}

/**
 * What one cluster says about its network: one row a cluster, of no namespace, for every member that asks for them
 * (capability `network`).
 */
export interface NetworkRow extends NetworkFacts {
  readonly kind: "network";
  readonly cluster: ClusterId;
}

declare const brand: unique symbol;
/** `kind/namespace/name[/slice]`, unique within one owner. */
export type RowKey = string & { readonly [brand]: "RowKey" };

/** Key of a cluster's network row: of no namespace and no Service. */
export const NETWORK_ROW_KEY = "network//" as RowKey;

/** Where namespaces are asked for, stands for network rows: no namespace has this name. */
export const NO_NAMESPACE = "";

export function rowKey(row: Row): RowKey {
  if (row.kind === "network") return NETWORK_ROW_KEY;
  const base = `${row.kind}/${row.namespace}/${row.name}`;
  return (row.kind === "endpoints" ? `${base}/${row.slice}` : base) as RowKey;
}

export function serviceOfRow(row: ServiceRow): ServiceKey {
  return serviceKey(row.namespace, row.name);
}

/** Which service a key belongs to, without its row (tombstones carry only the key). */
export function serviceOfRowKey(key: RowKey): ServiceKey {
  const [, namespace = "", name = ""] = key.split("/");
  return serviceKey(namespace, name);
}

/** Order of writes of one owner: later incarnations win, then later sequences. */
export interface RowVersion {
  /** One life of an owner in the clusterset, handed out at join, growing. */
  readonly incarnation: number;
  /** Grows with each write of this owner. */
  readonly sequence: number;
}

export function isNewer(a: RowVersion, b: RowVersion): boolean {
  return a.incarnation !== b.incarnation ? a.incarnation > b.incarnation : a.sequence > b.sequence;
}
