import { expect, onTestFinished, test, vi } from "vitest";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { SERVICES } from "../../../api/kube/service.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { PODS } from "../kinds/pod.ts";
import { startMemberViews } from "../member-views.ts";
import { aPod, aService, aSlice } from "../testing/builders.ts";
import { MemoryKube } from "../testing/memory-kube.ts";
import { SliceController } from "./slice-controller.ts";

const signal = new AbortController().signal;
const service = { resource: SERVICES, namespace: "shop", name: "web" };

function aController(kube: MemoryKube): void {
  const stopping = new AbortController();
  const deps = {
    kube,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    meter: silentMeter,
  };
  const views = startMemberViews(deps, stopping.signal);
  const controller = new SliceController({ ...deps, ...views, nodes: { zoneOf: () => undefined } });
  controller.start();
  onTestFinished(async () => {
    stopping.abort();
    await controller.stop();
  });
}

function addresses(kube: MemoryKube): readonly string[] {
  return kube
    .all<EndpointSlice>(ENDPOINT_SLICES)
    .flatMap((slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
}

async function eventually(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 15_000, interval: 2 });
}

test("slices follow pods, and go with the Service", async () => {
  const kube = new MemoryKube();
  aController(kube);
  await kube.create(SERVICES, aService(), { signal });
  await kube.create(PODS, aPod({ name: "a", ips: ["10.1.0.5"] }), { signal });
  await kube.create(PODS, aPod({ name: "b", ips: ["10.1.0.6"] }), { signal });
  await eventually(() => expect([...addresses(kube)].sort()).toEqual(["10.1.0.5", "10.1.0.6"]));
  await kube.delete({ resource: PODS, namespace: "shop", name: "a" }, {}, { signal });
  await eventually(() => expect(addresses(kube)).toEqual(["10.1.0.6"]));
  await kube.delete(service, {}, { signal });
  await eventually(() => expect(kube.all(ENDPOINT_SLICES)).toEqual([]));
});

test("losing the selector takes the slices away; another manager's slice is never touched (EPS-06)", async () => {
  const kube = new MemoryKube();
  const foreign = aSlice(
    { endpoints: [{ addresses: ["10.9.0.1"] }] },
    {
      name: "web-foreign",
      labels: {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "mcs.isthmus.dev",
      },
    },
  );
  await kube.create(ENDPOINT_SLICES, foreign, { signal });
  await kube.create(SERVICES, aService(), { signal });
  await kube.create(PODS, aPod({ ips: ["10.1.0.5"] }), { signal });
  aController(kube);
  await eventually(() => expect([...addresses(kube)].sort()).toEqual(["10.1.0.5", "10.9.0.1"]));
  await kube.mergePatch(service, { spec: { selector: null } }, { signal });
  await eventually(() => expect(addresses(kube)).toEqual(["10.9.0.1"]));
  const touched = kube.writes.filter((write) => write.key === "shop/web-foreign");
  expect(touched.map((write) => write.verb)).toEqual(["create"]);
});

test("slices of a Service that went while nobody looked are cleaned up at the start", async () => {
  const kube = new MemoryKube();
  const orphan = aSlice(
    {},
    {
      labels: {
        "kubernetes.io/service-name": "gone",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      },
    },
  );
  await kube.create(ENDPOINT_SLICES, orphan, { signal });
  aController(kube);
  await eventually(() => expect(kube.all(ENDPOINT_SLICES)).toEqual([]));
});

test("a refused create is tried again, and makes one slice", async () => {
  const kube = new MemoryKube();
  let refusals = 2;
  kube.fail = ({ verb, resource }) =>
    verb === "create" && resource === "endpointslices" && refusals-- > 0
      ? { kind: "throttled", message: "too many requests", status: 429 }
      : undefined;
  aController(kube);
  await kube.create(SERVICES, aService(), { signal });
  await kube.create(PODS, aPod({ ips: ["10.1.0.5"] }), { signal });
  await eventually(() => expect(addresses(kube)).toEqual(["10.1.0.5"]));
  expect(kube.all(ENDPOINT_SLICES)).toHaveLength(1);
});
