import type { ClusterId } from "../cluster-id.ts";

/** `out`: local clients, to a peer; `in`: a peer's clients, to local endpoints. */
export const STREAM_DIRECTIONS = ["in", "out"] as const;
export type StreamDirection = (typeof STREAM_DIRECTIONS)[number];

/** What one proxy has carried since it started; part of its PathReport. */
export interface ProxyTraffic extends StreamCounts {
  /** BOUNDED: by TRAFFIC_LINES_MAX, those that were used last. */
  readonly services: readonly ServiceTraffic[];
  /** Lines that there is no room for; the sums have them. */
  readonly leftOut: number;
}

export interface StreamCounts {
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that have been made: to the endpoint too. */
  readonly connections: number;
  /** Connections that were refused, or that did not end in order. */
  readonly failed: number;
  readonly bytesFromTunnel: number;
  readonly bytesToTunnel: number;
}

/** Connections of one service with one peer, in one direction. */
export interface ServiceTraffic extends StreamCounts {
  readonly peer: ClusterId;
  /** `namespace/name`; empty: what a peer asked for and is not exported, whatever it was. */
  readonly service: string;
  readonly direction: StreamDirection;
  /** Why connections failed, and how many did. */
  readonly errors: Readonly<Record<string, number>>;
  /** Until the other end was connected, ms, of about the last thousand connections; absent: there was none. */
  readonly connectMs?: { readonly p50: number; readonly p99: number };
}

export const TRAFFIC_LINES_MAX = 128;
