import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import { aPod, aService } from "../testing/builders.ts";
import { deriveEndpointGroups } from "./derive-slices.ts";
import { diffSlices, isOwnSlice, type SlicePlan } from "./diff-slices.ts";

const NODES = { zoneOf: () => undefined };

/** Slices by name after a plan, as an API server would hold them. */
class World {
  readonly slices = new Map<string, EndpointSlice>();
  #next = 0;

  /** One pass over these pods (numbers) of the Service. */
  pass(pods: readonly number[], service: Service = aService()): SlicePlan {
    const all = pods.map((n) => aPod({ name: `p${n}`, ips: [`10.1.${n >> 8}.${n & 255}`] }));
    const groups = deriveEndpointGroups(service, all, NODES);
    const newName = (): string => `web-${this.#next++}`;
    const plan = diffSlices(service, groups, [...this.slices.values()], newName);
    for (const slice of [...plan.create, ...plan.update])
      this.slices.set(slice.metadata.name, slice);
    for (const slice of plan.remove) this.slices.delete(slice.metadata.name);
    return plan;
  }

  addresses(): readonly string[] {
    return [...this.slices.values()].flatMap((slice) =>
      (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses),
    );
  }

  sizes(): readonly number[] {
    return [...this.slices.values()].map((slice) => slice.endpoints?.length ?? 0);
  }
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

test("a slice is labelled and owned as kube-controller-manager does", () => {
  const world = new World();
  const service = aService({ clusterIP: "None" }, { labels: { team: "a" } });
  const [slice] = world.pass([1], service).create;
  expect(slice?.metadata).toEqual({
    name: "web-0",
    namespace: "shop",
    labels: {
      team: "a",
      "kubernetes.io/service-name": "web",
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      "service.kubernetes.io/headless": "",
    },
    ownerReferences: [
      {
        apiVersion: "v1",
        kind: "Service",
        name: "web",
        uid: "uid-service",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
  expect(slice !== undefined && isOwnSlice(slice, "web")).toBe(true);
});

describe("slices hold at most 100 endpoints", () => {
  test.each([
    [0, [0]],
    [1, [1]],
    [100, [100]],
    [101, [100, 1]],
    [250, [100, 100, 50]],
  ])("%i pods: %o", (count, want) => {
    const world = new World();
    world.pass(upTo(count));
    expect(world.sizes()).toEqual(want);
  });
});

describe("little churn", () => {
  test("a new pod changes the fullest slice with room, and no other", () => {
    const world = new World();
    world.pass(upTo(250));
    const plan = world.pass(upTo(251));
    expect([plan.create.length, plan.update.length, plan.remove.length]).toEqual([0, 1, 0]);
    expect(world.sizes()).toEqual([100, 100, 51]);
  });

  test("a pod that goes changes its own slice only", () => {
    const world = new World();
    world.pass(upTo(250));
    const plan = world.pass(upTo(250).slice(1));
    expect(plan.update.map((slice) => slice.metadata.name)).toEqual(["web-0"]);
    expect([plan.create, plan.remove]).toEqual([[], []]);
  });

  test("the last pod's slice gives way to an empty one, which stays", () => {
    const world = new World();
    world.pass([1]);
    const plan = world.pass([]);
    expect([plan.create.length, plan.remove.length]).toEqual([1, 1]);
    expect([...world.slices.values()]).toMatchObject([{ endpoints: [], ports: [] }]);
    expect(world.pass([])).toEqual({ create: [], update: [], remove: [] });
  });

  test("new labels of the Service change every slice, once", () => {
    const world = new World();
    world.pass(upTo(150));
    const labelled = aService({}, { labels: { team: "b" } });
    expect(world.pass(upTo(150), labelled).update).toHaveLength(2);
    expect(world.pass(upTo(150), labelled)).toEqual({ create: [], update: [], remove: [] });
  });

  test("new ports replace the slices: ports of a slice are those of all of its endpoints", () => {
    const world = new World();
    world.pass([1]);
    world.pass([1], aService({ ports: [{ port: 80, targetPort: 9 }] }));
    expect([...world.slices.values()]).toMatchObject([{ ports: [{ port: 9 }], endpoints: [{}] }]);
  });
});

test("whatever pods come and go, slices hold exactly them, and a second pass does nothing (I9)", () => {
  const pods = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 350 });
  fc.assert(
    fc.property(fc.array(pods, { minLength: 1, maxLength: 6 }), (rounds) => {
      const world = new World();
      for (const round of rounds) {
        world.pass(round);
        const want = round.map((n) => `10.1.${n >> 8}.${n & 255}`);
        expect([...world.addresses()].sort()).toEqual([...want].sort());
        expect(Math.max(...world.sizes())).toBeLessThanOrEqual(100);
        expect(world.pass(round)).toEqual({ create: [], update: [], remove: [] });
      }
    }),
    { numRuns: 15 },
  );
});
