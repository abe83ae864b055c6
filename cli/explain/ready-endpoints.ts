import type { Endpoint, EndpointSlice } from "../../api/kube/endpoint-slice.ts";

/** Absent means ready. */
export function readyEndpoints({ endpoints }: EndpointSlice): readonly Endpoint[] {
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
}
