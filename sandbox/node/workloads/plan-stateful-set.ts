import { isPodReady, isPodTerminating, type Pod } from "../kinds/pod.ts";
import type { StatefulSet } from "../kinds/stateful-set.ts";
import { isOver } from "./workload-kind.ts";

/** Tells generations of a StatefulSet's pods apart. */
export const REVISION_LABEL = "controller-revision-hash";

export interface StatefulSetPlan {
  /** Numbers of the pods to create. */
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
}

const NOTHING: StatefulSetPlan = { create: [], remove: [] };

/**
 * The next step from the pods there are to numbered ones of the present revision, with the rules of upstream's StatefulSet controller:
 * one after another from the lowest, each once those before it are ready; away from the highest; replaced from the highest. With
 * `Parallel` only the replacing is one at a time.
 */
export function planStatefulSet(
  set: StatefulSet,
  pods: readonly Pod[],
  revision: string,
): StatefulSetPlan {
  const wanted = ordinalsOf(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const isParallel = set.spec.podManagementPolicy === "Parallel";
  const steps = [
    ...wanted.map((ordinal) => stepAt(ordinal, byOrdinal.get(ordinal))),
    ...excess(wanted, byOrdinal).map(stepAway),
  ].filter((step) => step !== "fine");
  const next = isParallel ? steps : steps.slice(0, 1);
  if (next.length === 0) return replaceOne(set, wanted, byOrdinal, revision);
  return {
    create: next.flatMap((step) => (typeof step === "number" ? [step] : [])),
    remove: next.flatMap((step) => (typeof step === "object" ? [step] : [])),
  };
}

/** Lowest first. */
function ordinalsOf(set: StatefulSet): readonly number[] {
  const { replicas = 1, ordinals } = set.spec;
  return Array.from({ length: replicas }, (_, i) => (ordinals?.start ?? 0) + i);
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** A number to create, a Pod to delete, or something to wait for. */
type Step = number | Pod | "wait" | "fine";

function stepAt(ordinal: number, pod: Pod | undefined): Step {
  if (pod === undefined) return ordinal;
  if (isPodTerminating(pod)) return "wait";
  if (isOver(pod)) return pod;
  return isPodReady(pod) ? "fine" : "wait";
}

function stepAway(pod: Pod): Step {
  return isPodTerminating(pod) ? "wait" : pod;
}

/** Highest first. */
function excess(
  wanted: readonly number[],
  byOrdinal: ReadonlyMap<number | undefined, Pod>,
): readonly Pod[] {
  return [...byOrdinal]
    .flatMap(([ordinal, pod]) =>
      ordinal === undefined || wanted.includes(ordinal) ? [] : [{ ordinal, pod }],
    )
    .toSorted((a, b) => b.ordinal - a.ordinal)
    .map(({ pod }) => pod);
}

/** Everything is there and ready. */
function replaceOne(
  set: StatefulSet,
  wanted: readonly number[],
  byOrdinal: ReadonlyMap<number | undefined, Pod>,
  revision: string,
): StatefulSetPlan {
  const { type = "RollingUpdate", rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== "RollingUpdate") return NOTHING;
  const old = wanted
    .filter((ordinal) => ordinal >= (rollingUpdate?.partition ?? 0))
    .map((ordinal) => byOrdinal.get(ordinal))
    .findLast((pod) => pod !== undefined && pod.metadata.labels?.[REVISION_LABEL] !== revision);
  return old === undefined ? NOTHING : { create: [], remove: [old] };
}

function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const { name } = pod.metadata;
  const digits = name.slice(set.metadata.name.length + 1);
  return /^\d+$/.test(digits) && podName(set, Number(digits)) === name ? Number(digits) : undefined;
}
