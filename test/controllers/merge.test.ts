import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: MemberWorld;

beforeEach(() => {
  world = new MemberWorld();
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

async function two(): Promise<readonly [TestCluster, TestCluster]> {
  return [await world.member("a"), await world.member("b")];
}

/** The second export is younger by more than the resolution of its stamp. */
async function younger(): Promise<void> {
  await world.clock.advance(1_100);
}

describe("type (CON-28, IMP-29, IMP-31)", () => {
  test("the oldest export decides, and the flip makes the derived Service anew", async () => {
    const [a, b] = await two();
    await a.exported({ clusterIP: "None" });
    await younger();
    await b.exported();
    await world.settle();
    for (const member of [a, b]) {
      const found = await member.import();
      expect(found?.spec).toMatchObject({ type: "Headless", ipFamilies: ["IPv4"] });
      expect(found?.spec.ips ?? []).toEqual([]);
      expect((await member.derived())?.spec.clusterIP).toBe("None");
      expect(await member.backends()).toEqual({ a: ["10.97.0.1"], b: ["10.98.0.1"] });
      expect((await member.conditions())["Conflict"]).toBe("True/TypeConflict");
    }
    await a.unexport();
    await world.settle();
    const flipped = await a.import();
    expect(flipped?.spec.type).toBe("ClusterSetIP");
    expect(flipped?.spec.ips).toEqual((await a.derived())?.spec.clusterIPs);
    expect(flipped?.spec.ips).toHaveLength(1);
    await b.remove(SERVICES, "web");
    await b.service({ clusterIP: "None" });
    await world.settle();
    const back = await a.import();
    expect(back?.spec.type).toBe("Headless");
    expect(back?.spec.ips ?? []).toEqual([]);
    expect((await a.derived())?.spec.clusterIP).toBe("None");
  });

  test("a headless Service without ports is found by its addresses (HDL-09, IMP-09)", async () => {
    const [a, b] = await two();
    await a.service({ clusterIP: "None", ports: [] });
    await a.slice("web-1", ["10.97.0.1"], { ports: [] });
    await a.export();
    await world.settle();
    expect((await b.import())?.spec.ports).toEqual([]);
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("hostnames of StatefulSet pods travel, two clusters' do not collide (HDL-04, HDL-05, EPS-24)", async () => {
    const [a, b] = await two();
    for (const member of [a, b]) {
      await member.service({ clusterIP: "None" });
      await member.slice("web-1", [], {
        endpoints: [0, 1].map((index) => ({
          addresses: [`10.${member.name.charCodeAt(0)}.0.${index + 1}`],
          conditions: { ready: true },
          hostname: `web-${index}`,
          nodeName: "node-1",
          targetRef: { kind: "Pod", name: `web-${index}` },
        })),
      });
      await member.export();
    }
    await world.settle();
    const slices = await a.slices();
    expect(slices.map((s) => s.endpoints?.map((e) => e.hostname))).toEqual([
      ["web-0", "web-1"],
      ["web-0", "web-1"],
    ]);
    expect(slices.flatMap((s) => s.endpoints ?? []).map((e) => e.nodeName)).toEqual([
      "node-1",
      "node-1",
      undefined,
      undefined,
    ]);
    expect(slices.flatMap((s) => s.endpoints ?? []).some((e) => e.targetRef)).toBe(false);
  });
});

describe("ports", () => {
  test("changing them keeps object and address (I5, VIP-17)", async () => {
    const [a, b] = await two();
    await a.exported();
    await world.settle();
    const before = await b.import();
    await a.patch(SERVICES, "web", {
      spec: {
        ports: [
          { name: "http", port: 81 },
          { name: "https", port: 443 },
        ],
      },
    });
    await world.settle();
    const after = await b.import();
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
    expect(after?.spec.ips).toEqual(before?.spec.ips);
    expect(after?.spec.ports).toMatchObject([{ port: 81 }, { port: 443 }]);
    expect((await b.derived())?.spec.ports).toMatchObject([
      { name: "http", port: 81, targetPort: 81 },
      { name: "https", port: 443, targetPort: 443 },
    ]);
  });

  test("an unnamed port beside named ones gets a name where Kubernetes needs one (CON-22, CON-16)", async () => {
    const [a, b] = await two();
    await a.service({ ports: [{ port: 80 }] });
    await a.slice("web-1", ["10.97.0.1"], { ports: [{ name: "", protocol: "TCP", port: 8080 }] });
    await a.export();
    await younger();
    await b.exported({ ports: [{ name: "metrics", port: 9090 }] }, []);
    await b.slice("web-2", ["10.98.0.2"], {
      ports: [{ name: "metrics", protocol: "TCP", port: 9090 }],
    });
    await world.settle();
    expect((await b.import())?.spec.ports).toEqual([
      { protocol: "TCP", port: 80 },
      { name: "metrics", protocol: "TCP", port: 9090 },
    ]);
    expect((await b.derived())?.spec.ports?.map(({ name }) => name)).toEqual([
      "p-80-tcp",
      "metrics",
    ]);
    const ports = Object.fromEntries(
      (await b.slices()).map((s) => [s.endpoints?.[0]?.addresses[0], s.ports?.map((p) => p.name)]),
    );
    expect(ports).toEqual({ "10.97.0.1": ["p-80-tcp"], "10.98.0.2": ["metrics"] });
  });

  test("traffic for a port reaches only clusters that have it (CON-21, CON-23, CON-26)", async () => {
    const [a, b] = await two();
    await a.exported();
    await younger();
    await b.exported({ ports: [{ name: "http", port: 8088 }] });
    await world.settle();
    expect((await a.import())?.spec.ports).toMatchObject([{ name: "http", port: 80 }]);
    expect(await a.backends()).toEqual({ a: ["10.97.0.1"] });
    expect((await a.conditions())["Conflict"]).toBe("True/PortConflict");
    // CON-15, CON-25: when the disagreement ends, so do its traces.
    await b.patch(SERVICES, "web", { spec: { ports: [{ name: "http", port: 80 }] } });
    await world.settle();
    expect(await a.backends()).toEqual({ a: ["10.97.0.1"], b: ["10.98.0.1"] });
    expect((await a.conditions())["Conflict"]).toBe("False/NoConflicts");
  });
});

describe("labels and annotations (IMP-23, IMP-24, EXP-12)", () => {
  test("the winner's are carried, removed ones go, bookkeeping is out of reach", async () => {
    const [a, b] = await two();
    await a.exported();
    await a.patch(SERVICES, "web", { metadata: { labels: { own: "service" } } });
    await a.patch(serviceExports(), "web", {
      metadata: { labels: { own: "export" } },
      spec: {
        exportedLabels: { tier: "front", "isthmus.dev/managed-by": "evil" },
        exportedAnnotations: { note: "n", "multicluster.kubernetes.io/derived-service": "evil" },
      },
    });
    await world.settle();
    const first = await b.import();
    expect(first?.metadata.labels).toEqual({
      tier: "front",
      "isthmus.dev/managed-by": "isthmus.dev",
    });
    expect(first?.metadata.annotations).toMatchObject({
      note: "n",
      "multicluster.kubernetes.io/derived-service": (await b.derived())?.metadata.name,
    });
    await a.patch(serviceExports(), "web", {
      spec: { exportedLabels: { tier: null, zone: "z" }, exportedAnnotations: null },
    });
    await world.settle();
    const second = await b.import();
    expect(second?.metadata.labels).toEqual({ zone: "z", "isthmus.dev/managed-by": "isthmus.dev" });
    expect(second?.metadata.annotations).not.toHaveProperty("note");
  });

  test("a value that no label may have is refused, and the export says why (EXP-19, SEC-06)", async () => {
    const [a, b] = await two();
    await a.exported();
    await a.patch(serviceExports(), "web", { spec: { exportedLabels: { tier: "not a label!" } } });
    await world.settle();
    expect(await a.conditions()).toMatchObject({ Valid: "True/Valid", Ready: "False/Failed" });
    expect(await b.import()).toBeUndefined();
    expect(await a.events()).toContain("Warning ExportFailed ServiceExport/web");
    await a.patch(serviceExports(), "web", { spec: { exportedLabels: { tier: "fine" } } });
    await world.settle();
    expect((await a.conditions())["Ready"]).toBe("True/Exported");
    expect((await b.import())?.metadata.labels).toMatchObject({ tier: "fine" });
  });
});

test("affinity and policies follow the winner, also back to their defaults (IMP-21, CON-05)", async () => {
  const [a, b] = await two();
  await a.exported({
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    internalTrafficPolicy: "Local",
    trafficDistribution: "PreferClose",
  });
  await younger();
  await b.exported();
  await world.settle();
  const wanted = {
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    internalTrafficPolicy: "Local",
    trafficDistribution: "PreferClose",
  };
  expect((await b.import())?.spec).toMatchObject(wanted);
  expect((await b.derived())?.spec).toMatchObject(wanted);
  expect((await b.conditions())["Conflict"]).toBe(
    "True/SessionAffinityConflict,SessionAffinityConfigConflict,InternalTrafficPolicyConflict,TrafficDistributionConflict",
  );
  await a.unexport();
  await world.settle();
  for (const spec of [(await b.import())?.spec, (await b.derived())?.spec]) {
    expect(spec).toMatchObject({ sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
    expect(spec).not.toHaveProperty("sessionAffinityConfig");
    expect(spec).not.toHaveProperty("trafficDistribution");
  }
});

describe("endpoints (EPS-17 to EPS-22)", () => {
  test("not-ready and terminating ones travel with their conditions; ready decides (EPS-19)", async () => {
    const [a, b] = await two();
    await a.service();
    await a.slice("web-1", [], {
      endpoints: [
        { addresses: ["10.97.0.1"] },
        { addresses: ["10.97.0.2"], conditions: { ready: false } },
        {
          addresses: ["10.97.0.3"],
          conditions: { ready: false, serving: true, terminating: true },
        },
      ],
    });
    await a.export();
    await world.settle();
    expect((await b.slices())[0]?.endpoints?.map(({ conditions }) => conditions)).toEqual([
      { ready: true, serving: true, terminating: false },
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
    ]);
    // IMP-26: an exporter is listed whether or not it has ready endpoints.
    await a.patch(ENDPOINT_SLICES, "web-1", { endpoints: [] });
    await world.settle();
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "a" }]);
  });

  test("published not-ready endpoints are ready, as Kubernetes writes them (EPS-18, HDL-08)", async () => {
    const [a, b] = await two();
    await a.service({ clusterIP: "None", publishNotReadyAddresses: true });
    await a.slice("web-1", [], {
      endpoints: [
        {
          addresses: ["10.97.0.1"],
          conditions: { ready: true, serving: false, terminating: false },
        },
      ],
    });
    await a.export();
    await world.settle();
    expect((await b.slices())[0]?.endpoints?.[0]?.conditions).toEqual({
      ready: true,
      serving: false,
      terminating: false,
    });
  });

  test("hints for zones on all ready endpoints or none (EPS-22)", async () => {
    const [a, b] = await two();
    const zoned = (address: string, zone?: string) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      ...(zone === undefined ? {} : { zone }),
    });
    await a.service({ trafficDistribution: "PreferClose" });
    await a.slice("web-1", [], { endpoints: [zoned("10.97.0.1", "z1")] });
    await a.export();
    await younger();
    await b.service({ trafficDistribution: "PreferClose" });
    await b.slice("web-1", [], { endpoints: [zoned("10.98.0.1", "z2")] });
    await b.export();
    await world.settle();
    const hints = async (): Promise<unknown> =>
      (await b.slices()).map((s) => s.endpoints?.map((e) => e.hints?.forZones?.[0]?.name));
    expect(await hints()).toEqual([["z1"], ["z2"]]);
    await a.patch(ENDPOINT_SLICES, "web-1", { endpoints: [zoned("10.97.0.1")] });
    await world.settle();
    expect(await hints()).toEqual([[undefined], [undefined]]);
  });

  test("changed labels of the source slice make no second slice (section 17.4)", async () => {
    const [a, b] = await two();
    await a.exported();
    await world.settle();
    await a.patch(ENDPOINT_SLICES, "web-1", { metadata: { labels: { extra: "x" } } });
    await a.patch(SERVICES, "web", { metadata: { labels: { extra: "x" } } });
    await world.settle();
    const slices = await b.slices();
    expect(slices).toHaveLength(1);
    expect(slices[0]?.metadata.labels).not.toHaveProperty("extra");
  });

  test("a Service without a selector, with slices made by hand, is exported like any other (section 17.7)", async () => {
    const [a, b] = await two();
    await a.service({ selector: {}, clusterIP: "None" });
    await a.slice("by-hand", ["10.97.0.1"], {
      metadata: {
        namespace: "shop",
        name: "by-hand",
        labels: { "kubernetes.io/service-name": "web" },
      },
    });
    await a.export();
    await world.settle();
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });
});
