import { type JsonRecord } from "../../api/json.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { withoutProtected } from "../merge/without-protected.ts";
import { mergeDiff, ownedPart } from "../reconcile/merge-diff.ts";
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

interface Keys {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** Every import of ours says which keys it has from an export. */
function appliedKeys({ metadata: { labels = {}, annotations = {} } }: ServiceImport): Keys {
  const remembered = parseKeys(annotations[ANNOTATION_EXPORTED_KEYS]);
  if (remembered !== undefined) return remembered;
  // Somebody edited our annotation, and nobody can tell any more which keys an export has left behind: all but the
  // protected ones count, since only a whole import is sure to equal the merge (IMP-06, IMP-24).
  return {
    labels: Object.keys(withoutProtected(labels)),
    annotations: Object.keys(withoutProtected(annotations)),
  };
}

function parseKeys(text: string | undefined): Keys | undefined {
  try {
    const parsed: unknown = JSON.parse(text ?? "");
    const [labels, annotations] = [strings(parsed, "labels"), strings(parsed, "annotations")];
    return labels === undefined || annotations === undefined ? undefined : { labels, annotations };
  } catch {
    return undefined;
  }
}

function strings(value: unknown, key: string): readonly string[] | undefined {
  if (typeof value !== "object" || value === null || !(key in value)) return undefined;
  const list: unknown = (value as Record<string, unknown>)[key];
  if (!Array.isArray(list)) return undefined;
  const found = list.filter((item) => typeof item === "string");
  return found.length === list.length ? found : undefined;
}
