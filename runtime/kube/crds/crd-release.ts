import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";

/** Which release of an API a CRD carries, from its labels (VER-07). */
interface CrdRelease {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Counts schema changes within a release; restarts at 0 with the next. */
  readonly revision: number;
}

/** Whose labels say it: ours for our own kinds, whose releases are the program's. */
function labelDomain({ spec: { group } }: CustomResourceDefinition): string {
  const isOurs = group === "isthmus.dev" || group.endsWith(".isthmus.dev");
  return isOurs ? "isthmus.dev" : "multicluster.x-k8s.io";
}

/** Undefined when a label is missing or cannot be read. */
function crdReleaseOf(definition: CustomResourceDefinition): CrdRelease | undefined {
  const labels = definition.metadata.labels ?? {};
  const domain = labelDomain(definition);
  const text = labels[`${domain}/release-version`] ?? "";
  const release = /^v(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(text);
  const revision = labels[`${domain}/crd-schema-revision`] ?? "";
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
