import type { Condition } from "../../api/kube/condition.ts";

/**
 * A condition before its transition time is known. One that carries a generation is of an earlier look, which is all
 * that is known.
 */
export type ConditionDraft = Omit<Condition, "lastTransitionTime">;

export interface StampFacts {
  /** Types that are ours to set and to remove; conditions of other types are kept as they are. */
  readonly ownTypes: readonly string[];
  readonly generation: number | undefined;
  readonly nowMs: number;
}

/**
 * The full list to write: ours from the drafts, other writers' as found and where found. The transition time of an
 * unchanged status stays (EXP-23), so that an unchanged verdict equals what is there (I9).
 */
export function stampConditions(
  drafts: readonly ConditionDraft[],
  previous: readonly Condition[],
  facts: StampFacts,
): readonly Condition[] {
  const stamped = drafts.map((draft): Condition => {
    const before = previous.find((condition) => condition.type === draft.type);
    const generation = draft.observedGeneration ?? facts.generation;
    return {
      ...draft,
      lastTransitionTime:
        before?.status === draft.status ? before.lastTransitionTime : timestamp(facts.nowMs),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
  const kept = previous.flatMap((before) => {
    const now = stamped.find(({ type }) => type === before.type);
    if (now !== undefined) return [now];
    return facts.ownTypes.includes(before.type) ? [] : [before];
  });
  return [...kept, ...stamped.filter(({ type }) => !previous.some((c) => c.type === type))];
}

/** metav1.Time: RFC 3339 with one-second resolution. */
function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}
