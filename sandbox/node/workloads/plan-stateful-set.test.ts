import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pod } from "../kinds/pod.ts";
import type { StatefulSet } from "../kinds/stateful-set.ts";
import { aPod, aStatefulSet } from "../testing/builders.ts";
import { planStatefulSet, REVISION_LABEL } from "./plan-stateful-set.ts";
import { deriveStatefulSetStatus } from "./stateful-set-workload.ts";

/** At each place a pod of that number: `n` of the new revision, `N` not ready, `o`/`O` of the old one, `x` going, `f` failed, `.` none. */
function podsOf(text: string): readonly Pod[] {
  return Array.from(text).flatMap((letter, i) =>
    letter === "."
      ? []
      : aPod({
          name: `db-${i}`,
          ips: ["10.1.0.5"],
          ready: "nox".includes(letter),
          terminating: letter === "x",
          phase: letter === "f" ? "Failed" : "Running",
          labels: { [REVISION_LABEL]: "oO".includes(letter) ? "db-old" : "db-new" },
        }),
  );
}

function plan(pods: string, spec: Partial<StatefulSet["spec"]> = {}): string {
  const { create, remove } = planStatefulSet(aStatefulSet(spec), podsOf(pods), "db-new");
  return `+${create.join(",")} -${remove.map(({ metadata }) => metadata.name).join(",")}`;
}

const PARALLEL = { podManagementPolicy: "Parallel" };

describe("the next step of a StatefulSet", () => {
  test.each<[string, string, Partial<StatefulSet["spec"]>, string]>([
    ["from nothing: the first", "", {}, "+0 -"],
    ["the first is not ready: wait", "N", {}, "+ -"],
    ["the first is ready: the second", "n", {}, "+1 -"],
    ["complete", "nnn", {}, "+ -"],
    ["one is gone: it comes back", "n.n", {}, "+1 -"],
    ["one is going: wait until it is gone", "nxn", {}, "+ -"],
    ["one has failed: it makes room for itself", "nfn", {}, "+ -db-1"],
    ["one that is not ready: nobody behind it is touched", "nNf", {}, "+ -"],
    ["fewer: the highest goes", "nnnn", { replicas: 2 }, "+ -db-3"],
    ["fewer: one after another", "nnnx", { replicas: 2 }, "+ -"],
    ["to none", "n", { replicas: 0 }, "+ -db-0"],
    ["a new template: the highest first", "ooo", {}, "+ -db-2"],
    ["a new template: the next once that is ready", "oon", {}, "+ -db-1"],
    ["a new template: wait for it", "ooN", {}, "+ -"],
    [
      "a partition keeps those below it",
      "oon",
      { updateStrategy: { rollingUpdate: { partition: 2 } } },
      "+ -",
    ],
    [
      "OnDelete: who is deleted comes back anew",
      "ooo",
      { updateStrategy: { type: "OnDelete" } },
      "+ -",
    ],
    ["numbers begin where they are asked to", ".", { ordinals: { start: 5 } }, "+5 -"],
    [
      "numbers that begin later: those below go at the end",
      "n.nnn",
      { ordinals: { start: 2 } },
      "+ -db-0",
    ],
    ["Parallel: all at once", "", PARALLEL, "+0,1,2 -"],
    ["Parallel: nobody waits for another", "N.n", PARALLEL, "+1 -"],
    ["Parallel: all that are too many", "nnnn", { ...PARALLEL, replicas: 1 }, "+ -db-3,db-2,db-1"],
    ["Parallel: a new template replaces one at a time all the same", "ooo", PARALLEL, "+ -db-2"],
  ])("%s", (_name, pods, spec, want) => {
    expect(plan(pods, spec)).toBe(want);
  });

  test("a pod of another name is nobody's number", () => {
    const odd = aPod({ name: "db-x", ips: ["10.1.0.5"] });
    expect(planStatefulSet(aStatefulSet({ replicas: 0 }), [odd], "db-new")).toEqual({
      create: [],
      remove: [],
    });
  });
});

test("from any pods, with every step done and every pod ready after it, all are there and new; one change at a time", () => {
  const pods = fc.stringMatching(/^[nNoOf.]{0,6}$/);
  fc.assert(
    fc.property(pods, fc.nat(5), fc.boolean(), (text, replicas, isParallel) => {
      const spec = { replicas, ...(isParallel && PARALLEL) };
      let now = text;
      for (let step = 0; plan(now, spec) !== "+ -" || /[NO]/.test(now); step++) {
        expect(step).toBeLessThan(40);
        const { create, remove } = planStatefulSet(aStatefulSet(spec), podsOf(now), "db-new");
        if (!isParallel) expect(create.length + remove.length).toBeLessThanOrEqual(1);
        const letters = Array.from(now.padEnd(6, "."));
        for (const { metadata } of remove) letters[Number(metadata.name.slice(3))] = ".";
        for (const ordinal of create) letters[ordinal] = "n";
        now = letters.join("").replaceAll("N", "n").replaceAll("O", "o");
      }
      expect(now.replaceAll(".", "")).toBe("n".repeat(replicas));
    }),
  );
});

test.each<[string, string, object]>([
  ["being replaced", "oon", { currentRevision: "db-old", currentReplicas: 2, updatedReplicas: 1 }],
  ["all but ready", "nnN", { currentRevision: "db-old", currentReplicas: 0, readyReplicas: 2 }],
  ["done", "nnn", { currentRevision: "db-new", currentReplicas: 3, readyReplicas: 3, replicas: 3 }],
  ["one going", "nnx", { currentRevision: "db-old", replicas: 2, updatedReplicas: 2 }],
])("status: %s", (_name, pods, want) => {
  const set = { ...aStatefulSet(), status: { currentRevision: "db-old" } };
  expect(deriveStatefulSetStatus(set, podsOf(pods), "db-new")).toMatchObject({
    observedGeneration: 1,
    updateRevision: "db-new",
    ...want,
  });
});
