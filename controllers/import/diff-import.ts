import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { type JsonRecord, mergeDiff, ownedPart } from "../reconcile/merge-diff.ts";
import { ANNOTATION_EXPORTED_KEYS, type DesiredImport } from "./derive-import.ts";

/**
 * Merge patch that brings our import to the desired state, manual edits of the spec repaired (IMP-06), exported
 * keys that are no longer wanted removed (IMP-24), other people's labels left alone.
 */
export function diffImport(
  observed: ServiceImport,
  desired: DesiredImport,
): JsonRecord | undefined {
  const before = appliedKeys(observed);
  const { labels = {}, annotations = {} } = observed.metadata;
  const metadata = {
    labels: mergeDiff(ownedPart(labels, desired.labels, before.labels), desired.labels),
    annotations: mergeDiff(
      ownedPart(annotations, desired.annotations, before.annotations),
      desired.annotations,
    ),
  };
  const differing = mergeDiff({ ...observed.spec }, { ...desired.spec });
  // The whole spec, not only what differs: somebody may have removed the spec itself, and a part of it is no valid one.
  const spec = differing === undefined ? {} : { spec: { ...desired.spec, ...differing } };
  return wholePatch(observed, metadata, spec);
}

/** Undefined when there is nothing to write; conditional on the version the diff was made against otherwise. */
export function wholePatch(
  observed: { readonly metadata: ServiceImport["metadata"] },
  metadata: Readonly<Record<string, JsonRecord | readonly unknown[] | undefined>>,
  rest: JsonRecord,
): JsonRecord | undefined {
  const changed = Object.entries(metadata).filter(([, part]) => part !== undefined);
  if (changed.length === 0 && Object.keys(rest).length === 0) return undefined;
  const { resourceVersion } = observed.metadata;
  return { metadata: { ...Object.fromEntries(changed), resourceVersion }, ...rest };
}

function appliedKeys(observed: ServiceImport): { labels: string[]; annotations: string[] } {
  const text = observed.metadata.annotations?.[ANNOTATION_EXPORTED_KEYS];
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    return { labels: strings(parsed, "labels"), annotations: strings(parsed, "annotations") };
  } catch {
    // Somebody edited our annotation: it is repaired by this diff, only the memory of old keys is lost.
    return { labels: [], annotations: [] };
  }
}

function strings(value: unknown, key: string): string[] {
  if (typeof value !== "object" || value === null || !(key in value)) return [];
  const list: unknown = (value as Record<string, unknown>)[key];
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}
