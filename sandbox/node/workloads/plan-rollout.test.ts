import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deployment } from "../kinds/deployment.ts";
import { isPodReady, type Pod } from "../kinds/pod.ts";
import { aDeployment, aPod } from "../testing/builders.ts";
import { deriveDeploymentStatus, isDeploymentStatusCurrent } from "./deployment-status.ts";
import { planRollout, rolloutLimits } from "./plan-rollout.ts";
import { templateHash } from "./template-hash.ts";

/** `n` current ready, `N` current not ready, `o`/`O` old ones, `x` old and terminating. */
function podsOf(text: string): readonly Pod[] {
  return Array.from(text, (letter, i) =>
    aPod({
      name: `${letter}${i}`,
      ips: ["10.1.0.5"],
      ready: letter === "n" || letter === "o",
      terminating: letter === "x",
      labels: { "pod-template-hash": letter.toLowerCase() === "n" ? "new" : "old" },
      created: `2026-01-01T00:00:${String(i).padStart(2, "0")}Z`,
    }),
  );
}

function plan(pods: string, spec: Partial<Deployment["spec"]> = {}): string {
  const { create, remove } = planRollout(aDeployment(spec), podsOf(pods), "new");
  return `+${create} -${remove.map((pod) => pod.metadata.name).join(",")}`;
}

describe("the next step of a rollout", () => {
  test.each<[string, string, Partial<Deployment["spec"]>, string]>([
    ["from nothing", "", {}, "+3 -"],
    ["complete", "nnn", {}, "+0 -"],
    ["scale up", "nn", { replicas: 5 }, "+3 -"],
    ["scale down: the youngest go", "nnn", { replicas: 1 }, "+0 -n2,n1"],
    ["scale down: the unready go first", "nNn", { replicas: 2 }, "+0 -N1"],
    ["to zero", "nn", { replicas: 0 }, "+0 -n1,n0"],
    ["a new template: one above, none below", "ooo", {}, "+1 -"],
    ["the new one is not ready: wait", "oooN", {}, "+0 -"],
    ["the new one is ready: an old one may go", "ooon", {}, "+0 -o2"],
    ["old ones that are not ready go at once", "OOo", {}, "+1 -O0,O1"],
    [
      "maxUnavailable lets old ones go first",
      "oooo",
      { replicas: 4, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 2 } } },
      "+0 -o3,o2",
    ],
    ["terminating ones count for nothing", "xxx", {}, "+3 -"],
    ["Recreate: first all old go", "ooo", { strategy: { type: "Recreate" } }, "+0 -o0,o1,o2"],
    ["Recreate: wait until they are gone", "x", { strategy: { type: "Recreate" } }, "+0 -"],
    ["Recreate: then all new come", "", { strategy: { type: "Recreate" } }, "+3 -"],
  ])("%s", (_name, pods, spec, want) => {
    expect(plan(pods, spec)).toBe(want);
  });
});

test.each<[number, number | string, number | string, number, number]>([
  [4, "25%", "25%", 1, 1],
  [3, "25%", "25%", 1, 0],
  [10, "50%", 2, 5, 2],
  [3, 0, 0, 0, 1],
  [1, "0%", "25%", 0, 1],
  [2, 1, "100%", 1, 2],
])(
  "%i replicas, surge %s, unavailable %s: %i and %i",
  (replicas, maxSurge, maxUnavailable, surge, unavailable) => {
    const strategy = { rollingUpdate: { maxSurge, maxUnavailable } };
    expect(rolloutLimits(aDeployment({ replicas, strategy }))).toEqual({
      maxSurge: surge,
      maxUnavailable: unavailable,
    });
  },
);

test("a rollout always ends, never leaves the limits on the way, and then rests", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      (replicas, maxSurge, maxUnavailable, delays) => {
        const deployment = aDeployment({
          replicas,
          strategy: { rollingUpdate: { maxSurge, maxUnavailable } },
        });
        const limits = rolloutLimits(deployment);
        let pods = [...podsOf("o".repeat(replicas))];
        let serial = 0;
        for (let round = 0; round < 200; round++) {
          const { create, remove } = planRollout(deployment, pods, "new");
          if (create === 0 && remove.length === 0 && pods.every(isPodReady)) break;
          const fresh = Array.from({ length: create }, () =>
            aPod({
              name: `n${serial++}`,
              ips: ["10.1.0.9"],
              ready: false,
              labels: { "pod-template-hash": "new" },
            }),
          );
          pods = [...pods.filter((pod) => !remove.includes(pod)), ...fresh];
          expect(pods.length).toBeLessThanOrEqual(replicas + limits.maxSurge);
          const available = pods.filter(isPodReady).length;
          expect(available).toBeGreaterThanOrEqual(replicas - limits.maxUnavailable);
          if (delays[round] === true) continue;
          pods = pods.map((pod) =>
            isPodReady(pod)
              ? pod
              : aPod({
                  name: pod.metadata.name,
                  ips: ["10.1.0.9"],
                  labels: { "pod-template-hash": "new" },
                }),
          );
        }
        expect(pods.map((pod) => pod.metadata.labels?.["pod-template-hash"])).toEqual(
          Array.from({ length: replicas }, () => "new"),
        );
      },
    ),
  );
});

describe("what kubectl rollout status reads", () => {
  const NOW = "2026-01-02T00:00:00Z";

  test.each([
    [
      "nnn",
      { replicas: 3, updatedReplicas: 3, readyReplicas: 3, unavailableReplicas: 0 },
      "True",
      "NewReplicaSetAvailable",
    ],
    [
      "ooon",
      { replicas: 4, updatedReplicas: 1, readyReplicas: 4, unavailableReplicas: 0 },
      "True",
      "ReplicaSetUpdated",
    ],
    [
      "nnN",
      { replicas: 3, updatedReplicas: 3, readyReplicas: 2, unavailableReplicas: 1 },
      "False",
      "ReplicaSetUpdated",
    ],
    [
      "",
      { replicas: 0, updatedReplicas: 0, readyReplicas: 0, unavailableReplicas: 3 },
      "False",
      "ReplicaSetUpdated",
    ],
  ])("%s", (pods, counts, available, progressing) => {
    const status = deriveDeploymentStatus(aDeployment(), podsOf(pods), "new", NOW);
    expect(status).toMatchObject({ ...counts, observedGeneration: 1 });
    expect(status.conditions).toMatchObject([
      { type: "Available", status: available },
      { type: "Progressing", status: "True", reason: progressing },
    ]);
  });

  test("is written once: a later look changes nothing (I9), even where the API left zeros out", () => {
    const deployment = aDeployment();
    const status = deriveDeploymentStatus(deployment, podsOf("nnn"), "new", NOW);
    const { unavailableReplicas: _zero, ...stored } = status;
    const later = { ...deployment, status: stored };
    const again = deriveDeploymentStatus(later, podsOf("nnn"), "new", "2027-01-01T00:00:00Z");
    expect(isDeploymentStatusCurrent(later, again)).toBe(true);
  });
});

test("the template hash changes with the template and not with the order of its fields", () => {
  const a = {
    metadata: { labels: { x: "1", y: "2" } },
    spec: { containers: [{ name: "m", image: "a" }] },
  };
  const b = {
    spec: { containers: [{ image: "a", name: "m" }] },
    metadata: { labels: { y: "2", x: "1" } },
  };
  const c = { ...a, spec: { containers: [{ name: "m", image: "b" }] } };
  expect(templateHash(a)).toBe(templateHash(b));
  expect(templateHash(a)).not.toBe(templateHash(c));
});
