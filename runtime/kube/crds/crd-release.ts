import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";

/** Which release of an API a CRD carries, from its labels (VER-07). */
interface CrdRelease {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Counts schema changes within a release; restarts at 0 with the next. */
  readonly revision: number;
}

const RELEASE_LABEL = "multicluster.x-k8s.io/release-version";
const REVISION_LABEL = "multicluster.x-k8s.io/crd-schema-revision";

/** Undefined when a label is missing or cannot be read. */
function crdReleaseOf(definition: CustomResourceDefinition): CrdRelease | undefined {
  const labels = definition.metadata.labels ?? {};
  const release = /^v(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(labels[RELEASE_LABEL] ?? "");
  const revision = labels[REVISION_LABEL] ?? "";
  if (release === null || !/^\d{1,9}$/.test(revision)) return undefined;
  const [, major, minor, patch] = release;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    revision: Number(revision),
  };
}

export type CrdDecision = "install" | "replace" | "keep";

/**
 * VER-07: install when absent; replace when the installed one's labels are missing or unreadable, or older than
 * ours; never downgrade. A manifest of ours without labels claims no release: it only fills an absence.
 */
export function decideCrd(
  ours: CustomResourceDefinition,
  installed: CustomResourceDefinition | undefined,
): CrdDecision {
  if (installed === undefined) return "install";
  const our = crdReleaseOf(ours);
  if (our === undefined) return "keep";
  const theirs = crdReleaseOf(installed);
  return theirs === undefined || compareReleases(theirs, our) < 0 ? "replace" : "keep";
}

function compareReleases(one: CrdRelease, other: CrdRelease): number {
  return (
    one.major - other.major ||
    one.minor - other.minor ||
    one.patch - other.patch ||
    one.revision - other.revision
  );
}
