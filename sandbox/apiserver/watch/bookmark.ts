import { apiVersionOf } from "../registry/kind-registry.ts";
import type { Target } from "../registry/registry-state.ts";
import type { WatchEvent } from "./watch-event.ts";

const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

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
      ...version.emptyObject,
      kind: kind.kind,
      apiVersion: apiVersionOf(kind, version),
      metadata: { resourceVersion: String(revision), ...annotations },
    },
  };
}
