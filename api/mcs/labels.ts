/** Well-known names of the MCS API and of Isthmus. One place, so that a typo is a compile error. */

/** ServiceImport an EndpointSlice belongs to (EPS-03). */
export const LABEL_SERVICE_NAME = "multicluster.kubernetes.io/service-name";
/** Cluster id whose endpoints an EndpointSlice holds (EPS-04). */
export const LABEL_SOURCE_CLUSTER = "multicluster.kubernetes.io/source-cluster";
/** Controller that writes an EndpointSlice (EPS-06). */
export const LABEL_SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
/** Service that kube-proxy joins an EndpointSlice to (EPS-14). */
export const LABEL_KUBE_SERVICE_NAME = "kubernetes.io/service-name";

/** Derived Service of a ServiceImport (VIP-10). */
export const ANNOTATION_DERIVED_SERVICE = "multicluster.kubernetes.io/derived-service";

/** Value of managed-by labels on everything Isthmus writes. */
export const MANAGED_BY = "isthmus.dev";
/** Marks objects that Isthmus owns: others are never changed or deleted (I3, IMP-06). */
export const LABEL_MANAGED_BY = "isthmus.dev/managed-by";

/**
 * On a ServiceExport: the clusters it is for, ids with commas between them; without it, all members. KEP-1645 leaves the
 * choice to implementations (enhancements PR 6329).
 */
export const ANNOTATION_EXPORT_TO = "isthmus.dev/export-to";

/**
 * On the Lease of a source cluster, while a broker that can be heard has no stream of it: `suspect` or `gone`. Without it the
 * cluster was alive when the Lease was renewed last.
 */
export const ANNOTATION_LIVENESS = "isthmus.dev/liveness";
/** On the same Lease: since when the broker has no stream of the cluster (RFC 3339). */
export const ANNOTATION_SILENT_SINCE = "isthmus.dev/silent-since";

/**
 * On a ServiceImport and its slices, written by controllers that tell a collector of changes and by no others: the write of
 * another cluster, `CLUSTER/SEQUENCE`, that the object was changed for last, by which the DNS server joins the change's trace.
 */
export const ANNOTATION_TRACED_WRITE = "isthmus.dev/traced-write";
/** On a Service, with the value `true`: controllers with `--auto-export` export it, within their quota; another selector may be configured. */
export const LABEL_AUTO_EXPORT = "isthmus.dev/auto-export";
/** On a Service or a Namespace, with the value `false`: never exported by its labels. An export that somebody writes stays. */
export const ANNOTATION_AUTO_EXPORT = "isthmus.dev/auto-export";

/** Keys with these prefixes are ours or Kubernetes' and are stripped from exported labels and annotations (IMP-24). */
export const PROTECTED_KEY_PREFIXES: readonly string[] = [
  "multicluster.kubernetes.io/",
  "isthmus.dev/",
  "kubectl.kubernetes.io/last-applied-configuration",
];
