import type { Lease } from "../../api/kube/lease.ts";
import type { Liveness } from "../../api/liveness.ts";
import {
  ANNOTATION_LIVENESS,
  ANNOTATION_SILENT_SINCE,
  LABEL_SOURCE_CLUSTER,
} from "../../api/mcs/labels.ts";
import type { MemberStatus } from "../../api/mcs/member-status.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { Peer } from "../../api/network/peer.ts";
import type { ServiceTraffic } from "../../api/network/proxy-traffic.ts";
import { controllersReport } from "./controllers-report.ts";
import { type TrafficLine, trafficLines } from "./traffic-lines.ts";

/** What `isthmus status` says of one member; also its JSON form. */
export interface MemberReport {
  /** What is wrong with the own network; empty: nothing, or it takes no part in connectivity. */
  readonly networkProblems: readonly string[];
  /** One a peer and backend; empty where no backend is configured. */
  readonly paths: readonly PathLine[];
  /** What the member's proxies have carried, by service and peer; empty where there is none. */
  readonly traffic: readonly TrafficLine[];
  /** Undefined: the cluster is not a member of a clusterset. */
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly controllers: ControllersLine;
  readonly exports: readonly {
    readonly service: string;
    /** `Type=Status/Reason` of each condition. */
    readonly conditions: readonly string[];
    /** What is wrong, if anything is. */
    readonly problem: string | undefined;
  }[];
  /** The other clusters, as the controllers judged them last. */
  readonly peers: readonly PeerReport[];
  readonly imports: readonly {
    readonly service: string;
    readonly type: string;
    readonly ips: readonly string[];
    readonly clusters: readonly string[];
    readonly ready: boolean;
  }[];
}

/** How the controllers are; `silent`: they have said nothing for longer than they would if they ran. */
export interface ControllersLine {
  readonly state: "running" | "stopped" | "silent" | "unknown";
  /** What stands in their way, or why nobody knows. */
  readonly problem?: string;
  readonly broker?: "connecting" | "connected" | "rejected";
  readonly certificateExpiresAt?: string;
  /** Services exported by their labels; absent: that is not done. */
  readonly autoExport?: NonNullable<MemberStatus["autoExport"]>;
}

export interface PeerReport {
  readonly cluster: string;
  /** unconfirmed: it was alive, and nobody has said so since: the controllers, or the broker, are away. */
  readonly liveness: Liveness | "unconfirmed";
  /** For how long it has been so; alive: since it was confirmed last. */
  readonly seconds: number;
}

/** One way to one peer; of the one in use the peer's own words too. */
export interface PathLine {
  readonly peer: string;
  readonly backend: string;
  /** Traffic goes this way. */
  readonly isUsed: boolean;
  readonly state: string;
  readonly rttMs: number | undefined;
  readonly lossPercent: number | undefined;
  readonly mtu: number | undefined;
  readonly since: string | undefined;
  readonly reason: string | undefined;
}

export function memberReport(objects: {
  readonly peers?: readonly Peer[];
  readonly networkProblems?: readonly string[];
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly exports: readonly ServiceExport[];
  readonly imports: readonly ServiceImport[];
  /** One per source cluster. */
  readonly leases: readonly Lease[];
  readonly controllers?: Lease | undefined;
  /** Of each proxy that runs. */
  readonly traffic?: readonly (readonly ServiceTraffic[])[];
  readonly nowMs: number;
}): MemberReport {
  return {
    clusterId: objects.clusterId,
    clusterset: objects.clusterset,
    controllers: controllersLine(objects.controllers, objects.nowMs),
    peers: objects.leases
      .map((lease) => peerReport(lease, objects.nowMs))
      .toSorted((a, b) => (a.cluster < b.cluster ? -1 : 1)),
    networkProblems: objects.networkProblems ?? [],
    paths: (objects.peers ?? []).flatMap(pathLines),
    traffic: trafficLines(objects.traffic ?? []),
    exports: objects.exports.map((serviceExport) => {
      const conditions = serviceExport.status?.conditions ?? [];
      const bad = conditions.find(({ type, status }) =>
        type === "Conflict" ? status === "True" : status !== "True",
      );
      return {
        service: nameOf(serviceExport),
        conditions: conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`),
        problem: conditions.length === 0 ? "no controller has looked at it yet" : bad?.message,
      };
    }),
    imports: objects.imports.map((serviceImport) => ({
      service: nameOf(serviceImport),
      type: serviceImport.spec.type,
      ips: serviceImport.spec.ips ?? [],
      clusters: (serviceImport.status?.clusters ?? []).map(({ cluster }) => cluster),
      ready: (serviceImport.status?.conditions ?? []).some(
        ({ type, status }) => type === "Ready" && status === "True",
      ),
    })),
  };
}

/** What the controllers say of themselves, judged by how long ago they said it. */
export function controllersLine(lease: Lease | undefined, nowMs: number): ControllersLine {
  if (lease === undefined) {
    return { state: "unknown", problem: "no controllers have said that they run" };
  }
  const report = controllersReport(lease, nowMs);
  if (!report.ok) return { state: "unknown", problem: report.error };
  const { status, secondsAgo, durationSeconds } = report.value;
  const isSilent = status.state === "running" && secondsAgo > durationSeconds;
  const problem = status.problem ?? status.broker?.reason;
  const { broker, certificateExpiresAt, autoExport } = status;
  return {
    state: isSilent ? "silent" : status.state,
    ...(problem === undefined ? {} : { problem }),
    ...(broker === undefined ? {} : { broker: broker.state }),
    ...(certificateExpiresAt === undefined ? {} : { certificateExpiresAt }),
    ...(autoExport === undefined ? {} : { autoExport }),
  };
}

/** A Lease that expired says nothing of the cluster by itself: with the broker away all of them do (I7). */
export function peerReport({ metadata, spec }: Lease, nowMs: number): PeerReport {
  const { [ANNOTATION_LIVENESS]: marked, [ANNOTATION_SILENT_SINCE]: since } =
    metadata.annotations ?? {};
  const cluster = metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? metadata.name;
  if (marked === "suspect" || marked === "gone") {
    return { cluster, liveness: marked, seconds: secondsSince(since, nowMs) };
  }
  const seconds = secondsSince(spec?.renewTime, nowMs);
  const isFresh = seconds <= (spec?.leaseDurationSeconds ?? 0);
  return { cluster, liveness: isFresh ? "alive" : "unconfirmed", seconds };
}

function secondsSince(time: string | undefined, nowMs: number): number {
  const ms = Date.parse(time ?? "");
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.round((nowMs - ms) / 1000));
}

/** Every way to a peer, and a line for none where none is in use. */
export function pathLines({ spec, status }: Peer): readonly PathLine[] {
  const { paths = [], backend: used, since: usedSince, reason: usedReason } = status ?? {};
  const lines = paths.map(({ backend, state, rttMs, lossPercent, mtu, since, reason }) => {
    const isUsed = backend === used;
    return {
      peer: spec.cluster,
      backend,
      isUsed,
      state,
      rttMs,
      lossPercent,
      mtu,
      since: isUsed ? usedSince : since,
      reason: isUsed ? usedReason : reason,
    };
  });
  if (used !== undefined && lines.length > 0) return lines;
  const nothing = { rttMs: undefined, lossPercent: undefined, mtu: undefined };
  const none = { ...nothing, peer: spec.cluster, backend: "none", isUsed: true, state: "unknown" };
  const why = usedReason ?? "no controller has looked at it yet";
  return [{ ...none, since: usedSince, reason: why }, ...lines];
}

function nameOf(object: ServiceExport | ServiceImport): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}
