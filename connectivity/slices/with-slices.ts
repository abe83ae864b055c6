import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { PodPlace } from "../../api/kube/pod.ts";
import type { SliceSet } from "../../api/slices/slice-set.ts";
import type { FilterScope } from "../vxlan/plan/filter-contents.ts";
import { type Plan, withJudge } from "../vxlan/plan/plan.ts";
import { sliceMembers } from "./slice-members.ts";
import { sliceQueues } from "./slice-queues.ts";
import { sliceTable } from "./slice-table.ts";

export interface SliceInput {
  readonly slices: SliceSet;
  /** Of the own cluster. */
  readonly pods: Iterable<PodPlace>;
  /** MCS slices of all services. */
  readonly endpoints: Iterable<EndpointSlice>;
  readonly scope: FilterScope;
  /** What the gateway's line carries, bits per second. */
  readonly lineRate: number;
}

/** A gateway's plan, and what slices add to it: one more table, and queues at its devices to other clusters. */
export function withSlices(plan: Plan, input: SliceInput): Plan {
  const { slices, pods, endpoints, scope, lineRate } = input;
  const devices = plan.kernel.links.map(({ name }) => name);
  const members = sliceMembers(scope.own, slices, pods);
  return {
    ...withJudge(plan, sliceTable({ slices, members, endpoints, scope, devices })),
    kernel: { ...plan.kernel, ...sliceQueues(slices.slices, devices, lineRate) },
  };
}
