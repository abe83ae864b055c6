import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import {
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
  MANAGED_BY,
} from "../../../api/mcs/labels.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { planSweeps } from "./plan-sweeps.ts";

const [EAST, WEST, NORTH] = ["east", "west", "north"].map((name) => name as ClusterId);

interface Standing {
  readonly namespace: string;
  readonly service: number;
  readonly cluster: string;
  readonly ready: readonly boolean[];
  readonly isOwn: boolean;
}

function sliceOf({ namespace, service, cluster, ready, isOwn }: Standing): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace,
      name: `s${service}-${cluster}`,
      labels: {
        [LABEL_SERVICE_NAME]: `s${service}`,
        [LABEL_SOURCE_CLUSTER]: cluster,
        ...(isOwn && { [LABEL_MANAGED_BY]: MANAGED_BY }),
      },
    },
    addressType: "IPv4",
    endpoints: ready.map((is) => ({ addresses: ["10.0.0.1"], conditions: { ready: is } })),
    ports: [],
  };
}

/** Services with a slice of each of these clusters, ready or not. */
function services(count: number, clusters: Readonly<Record<string, boolean>>): EndpointSlice[] {
  return Array.from({ length: count }, (_, service) =>
    Object.entries(clusters).map(([cluster, isReady]) =>
      sliceOf({ namespace: "shop", service, cluster, ready: [isReady], isOwn: true }),
    ),
  ).flat();
}

const dead = (...lost: readonly (ClusterId | undefined)[]) => ({
  healthFor: () => ({ isLost: (cluster: ClusterId) => lost.includes(cluster), isAlone: false }),
  mayChange: () => true,
});
const sizes = (plan: ReturnType<typeof planSweeps>): readonly number[] =>
  plan.map((sweep) => sweep.services.length);
const east = new Set([EAST].filter((one) => one !== undefined));

test("services of a namespace go together, a hundred at a time; a few are left to their passes", () => {
  const both = { east: true, west: true };
  expect(sizes(planSweeps(services(250, both), east, dead(EAST)))).toEqual([100, 100, 50]);
  expect(sizes(planSweeps(services(10, both), east, dead(EAST)))).toEqual([10]);
  expect(sizes(planSweeps(services(9, both), east, dead(EAST)))).toEqual([]);
});

test.each([
  ["nobody else", { east: true }, []],
  ["nobody else who is ready", { east: true, west: false }, []],
  ["nobody else who is not lost", { east: true, north: true }, []],
  ["another", { east: true, north: true, west: true }, [20]],
])("left to answer is %s (CLN-08)", (_who, clusters, want) => {
  expect(sizes(planSweeps(services(20, clusters), east, dead(EAST, NORTH)))).toEqual(want);
});

test("what is awaited of anybody keeps a service as it is, and being alone keeps all (I4, CLN-08)", () => {
  const slices = services(20, { east: true, west: true });
  const { healthFor } = dead(EAST);
  expect(planSweeps(slices, east, { healthFor, mayChange: () => false })).toEqual([]);
  const alone = () => ({ isLost: () => true, isAlone: true });
  expect(planSweeps(slices, east, { healthFor: alone, mayChange: () => true })).toEqual([]);
});

test("law: just the services that others answer for, each once, of ours alone, in parts of ten to a hundred", () => {
  const standing = fc.record({
    namespace: fc.constantFrom("shop", "dev"),
    service: fc.nat({ max: 130 }),
    cluster: fc.constantFrom("east", "west", "north", "No Cluster"),
    ready: fc.array(fc.boolean(), { maxLength: 2 }),
    isOwn: fc.boolean(),
  });
  const lost = fc.subarray([EAST, WEST, NORTH].filter((one) => one !== undefined));
  fc.assert(
    fc.property(fc.array(standing, { maxLength: 600, size: "max" }), lost, (all, gone) => {
      const plan = planSweeps(all.map(sliceOf), new Set(gone), dead(...gone));
      const planned = plan.flatMap((sweep) =>
        sweep.services.map((key) => `${key} ${sweep.cluster}`),
      );
      const ours = all.filter(({ isOwn, cluster }) => isOwn && cluster !== "No Cluster");
      const isLost = ({ cluster }: Standing): boolean => gone.some((one) => one === cluster);
      const keyOf = ({ namespace, service }: Standing) => serviceKey(namespace, `s${service}`);
      const answered = new Set(
        ours.filter((one) => !isLost(one) && one.ready.includes(true)).map(keyOf),
      );
      const doomed = ours.filter((one) => isLost(one) && answered.has(keyOf(one)));
      const want = new Map<string, Set<string>>();
      for (const one of doomed) {
        const part = `${one.namespace} ${one.cluster}`;
        want.set(part, (want.get(part) ?? new Set()).add(`${keyOf(one)} ${one.cluster}`));
      }
      const wanted = [...want.values()].filter(({ size }) => size >= 10).flatMap((one) => [...one]);
      expect(planned.toSorted()).toEqual(wanted.toSorted());
      for (const { namespace, services: keys } of plan) {
        expect(keys.length).toBeLessThanOrEqual(100);
        expect(keys.every((key) => key.startsWith(`${namespace}/`))).toBe(true);
      }
    }),
  );
});
