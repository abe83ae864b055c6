import type { KindVersion } from "../kinds/kind.ts";
import type { JsonObject } from "../object/json.ts";
import type { Selection } from "../registry/selection.ts";
import type { StoreEvent } from "../store/object-store.ts";
import { withResourceVersion } from "../store/resource-version.ts";
import type { WatchEvent } from "./watch-event.ts";

/**
 * What a watcher with this selection sees of a write: an object that enters the selection is ADDED, one that
 * leaves it DELETED. Undefined when it sees nothing.
 */
export function translateEvent(
  event: StoreEvent,
  version: KindVersion,
  selection: Selection,
): WatchEvent | undefined {
  const before = selected(event.before, version, selection);
  const after = selected(event.after, version, selection);
  if (after !== undefined)
    return { type: before === undefined ? "ADDED" : "MODIFIED", object: after };
  if (before === undefined) return undefined;
  return { type: "DELETED", object: withResourceVersion(before, event.revision) };
}

function selected(
  stored: JsonObject | undefined,
  version: KindVersion,
  selection: Selection,
): JsonObject | undefined {
  if (stored === undefined) return undefined;
  const object = version.fromStorage(stored);
  return selection.matches(object) ? object : undefined;
}
