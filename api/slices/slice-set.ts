import type { ClusterId } from "../cluster-id.ts";
import { matchesPattern, type NamespacePattern } from "../policy/namespace-rules.ts";
import { err, ok, type Result } from "../result.ts";
import { SLICES_MAX, type Slice } from "./slice.ts";

/** So that what a member is told of its slices fits into one message. */
const CLUSTERS_MAX = 5000;

/** Who wants to reach a service. */
export interface SliceClient {
  readonly cluster: ClusterId;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The exported service of one cluster. */
export interface SliceService {
  readonly cluster: ClusterId;
  readonly namespace: string;
}

/**
 * `open`: no slice names the namespace, so slices say nothing. `inside`: both are in this slice. `outside`: for this client the
 * service does not exist.
 */
export type SliceVerdict =
  | { readonly kind: "open" }
  | { readonly kind: "inside"; readonly slice: Slice }
  | { readonly kind: "outside" };

/**
 * Slices together. A namespace is of at most one of them in each cluster. One that any slice names is of no use outside of
 * slices, in no cluster: namespaces mean the same everywhere, so a cluster outside cannot add to a service of a slice.
 */
export class SliceSet {
  readonly slices: readonly Slice[];

  static readonly none: SliceSet = new SliceSet([]);

  private constructor(slices: readonly Slice[]) {
    this.slices = slices;
  }

  /** The error names both slices, where two want the same. */
  static of(slices: readonly Slice[]): Result<SliceSet, string> {
    if (slices.length > SLICES_MAX) {
      return err(`slices must be at most ${SLICES_MAX}: got ${slices.length}`);
    }
    const clusters = slices.reduce((sum, slice) => sum + slice.clusters.length, 0);
    if (clusters > CLUSTERS_MAX) {
      return err(
        `clusters of all slices together must be at most ${CLUSTERS_MAX}: got ${clusters}`,
      );
    }
    const sorted = slices.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const [at, slice] of sorted.entries()) {
      for (const other of sorted.slice(0, at)) {
        const problem = conflict(other, slice);
        if (problem !== undefined) return err(problem);
      }
    }
    return ok(new SliceSet(sorted));
  }

  /** Whether the namespace is of some slice, in whichever cluster. */
  claims(namespace: string): boolean {
    return this.slices.some((slice) => holdsNamespace(slice, namespace));
  }

  /** The slice that the namespace is of in this cluster. */
  sliceOf({ cluster, namespace }: SliceService): Slice | undefined {
    return this.slices.find(
      (slice) => slice.clusters.includes(cluster) && holdsNamespace(slice, namespace),
    );
  }

  verdict(client: SliceClient, service: SliceService): SliceVerdict {
    if (!this.claims(service.namespace)) return { kind: "open" };
    const slice = this.sliceOf(service);
    return slice !== undefined && holdsClient(slice, client)
      ? { kind: "inside", slice }
      : { kind: "outside" };
  }
}

export function holdsNamespace({ namespaces }: Slice, namespace: string): boolean {
  return namespaces.some((pattern) => matchesPattern(pattern, namespace));
}

export function holdsClient(slice: Slice, { cluster, namespace, labels }: SliceClient): boolean {
  return slice.clusters.includes(cluster) && holdsPod(slice, namespace, labels);
}

/** Of a pod in a cluster of the slice. */
export function holdsPod(slice: Slice, namespace: string, labels: SliceClient["labels"]): boolean {
  return (
    holdsNamespace(slice, namespace) &&
    Object.entries(slice.podLabels).every(
      ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
    )
  );
}

function conflict(a: Slice, b: Slice): string | undefined {
  if (a.name === b.name) return `slice names must be unique: got ${a.name} twice`;
  const cluster = a.clusters.find((id) => b.clusters.includes(id));
  if (cluster === undefined) return undefined;
  for (const first of a.namespaces) {
    const second = b.namespaces.find((pattern) => overlap(first, pattern));
    if (second === undefined) continue;
    return `namespace must be of one slice in a cluster: slices ${a.name} ("${first}") and ${b.name} ("${second}") both want it in ${cluster}`;
  }
  return undefined;
}

/** Some namespace matches both. */
function overlap(a: NamespacePattern, b: NamespacePattern): boolean {
  if (!a.endsWith("*")) return matchesPattern(b, a);
  if (!b.endsWith("*")) return matchesPattern(a, b);
  const [first, second] = [a.slice(0, -1), b.slice(0, -1)];
  return first.startsWith(second) || second.startsWith(first);
}
