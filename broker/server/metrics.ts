import type { ClusterId } from "../../api/cluster-id.ts";
import type { Counter, Gauge, Histogram, Meter } from "../../runtime/metrics/meter.ts";

export interface BrokerMetrics {
  readonly connectedMembers: Gauge;
  readonly memberRows: Gauge;
  readonly writes: Counter;
  readonly withdrawnRows: Counter;
  readonly pausedReading: Counter;
  readonly closedStreams: Counter;
  readonly firstSyncs: Gauge;
  readonly fanOutLag: Histogram;
  readonly unstoredWrites: Gauge;
  readonly storeWait: Histogram;
  readonly certificateExpiry: Gauge;
  readonly memberSilence: Gauge;
  readonly refusedWrites: Counter;
  /** Drops what is told per member of one that is none any more: series are bounded by the present members. */
  forget(cluster: ClusterId): void;
}

export function createBrokerMetrics(meter: Meter): BrokerMetrics {
  const memberRows = meter.gauge({
    name: "isthmus_broker_member_rows",
    help: "Rows stored per owner.",
    labels: ["cluster"],
  });
  const certificateExpiry = meter.gauge({
    name: "isthmus_broker_member_certificate_expiry_timestamp_seconds",
    help: "End of each member's latest certificate, epoch seconds.",
    labels: ["cluster"],
  });
  const refusedWrites = meter.counter({
    name: "isthmus_broker_member_refused_writes_total",
    help: "Writes of each member that were refused.",
    labels: ["cluster"],
  });
  const memberSilence = meter.gauge({
    name: "isthmus_broker_member_silent_seconds",
    help: "For how long each member has had no stream to any replica, never counting time before this one started; 0: it has one.",
    labels: ["cluster"],
  });
  return {
    memberRows,
    certificateExpiry,
    memberSilence,
    refusedWrites,
    forget: (cluster) => {
      for (const metric of [memberRows, certificateExpiry, memberSilence, refusedWrites]) {
        metric.remove({ cluster });
      }
    },
    connectedMembers: meter.gauge({
      name: "isthmus_broker_connected_members",
      help: "Members with an open sync stream.",
    }),
    writes: meter.counter({
      name: "isthmus_broker_writes_total",
      help: "Writes of members by outcome: stored or refused.",
      labels: ["outcome"],
    }),
    withdrawnRows: meter.counter({
      name: "isthmus_broker_withdrawn_rows_total",
      help: "Stored rows that a changed policy no longer allowed, per owner.",
      labels: ["cluster"],
    }),
    pausedReading: meter.counter({
      name: "isthmus_broker_paused_reading_seconds_total",
      help: "Time for which a member was not read because it sends faster than it may.",
      labels: ["cluster"],
    }),
    firstSyncs: meter.gauge({
      name: "isthmus_broker_first_syncs",
      help: "Members that came with nothing: being sent everything (running), or waiting for their turn.",
      labels: ["state"],
    }),
    closedStreams: meter.counter({
      name: "isthmus_broker_closed_streams_total",
      help: "Sync streams the broker closed, by reason.",
      labels: ["reason"],
    }),
    unstoredWrites: meter.gauge({
      name: "isthmus_broker_unstored_writes",
      help: "Writes of all members that wait for the store.",
    }),
    storeWait: meter.histogram({
      name: "isthmus_broker_store_wait_seconds",
      help: "From a member's write being accepted to the store having it, or having failed.",
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2, 5, 15, 30],
    }),
    fanOutLag: meter.histogram({
      name: "isthmus_broker_fanout_lag_seconds",
      help: "From a change being durable to a member's stream having taken everything it lacks.",
      buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 1, 5, 30],
    }),
  };
}
