import type { JsonObject } from "../object/json.ts";
import { apiVersionOf } from "../registry/kind-registry.ts";
import type { Target } from "../registry/registry-state.ts";
import type { WatchEvent } from "./watch-event.ts";

export const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** Fields that an empty object of the kind carries on the wire of the real server. */
const EMPTY_FIELDS: Readonly<Record<string, JsonObject>> = {
  "/services": { spec: {}, status: { loadBalancer: {} } },
  "/namespaces": { spec: {}, status: {} },
  "/nodes": { spec: {}, status: {} },
  "/pods": { spec: { containers: null }, status: {} },
  "discovery.k8s.io/endpointslices": { addressType: "", endpoints: null, ports: null },
  "coordination.k8s.io/leases": { spec: {} },
};

/** Tells a watcher how far it has seen, and once that the initial events are over. */
export function bookmark(
  { kind, version }: Target,
  revision: number,
  endsInitialEvents: boolean,
): WatchEvent {
  const annotations = endsInitialEvents ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {};
  return {
    type: "BOOKMARK",
    object: {
      kind: kind.kind,
      apiVersion: apiVersionOf(kind, version),
      metadata: { resourceVersion: String(revision), ...annotations },
      ...EMPTY_FIELDS[`${kind.group}/${kind.plural}`],
    },
  };
}
